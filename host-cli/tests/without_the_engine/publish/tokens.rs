//! Registries that want tokens, and the servers that give them.

use super::misbehaving::Misbehaving;
use super::misbehaving::door::{Door, Tokens};
use super::misbehaving::http::Answer;
use super::misbehaving::wrong::{Fault, Wrong};
use super::world::{As, World};
use std::net::TcpListener;

fn with(tokens: Tokens) -> Misbehaving {
    Misbehaving::behind(Door::Tokens(tokens)).holding_another()
}

#[test]
fn a_token_is_fetched_with_the_password_and_shown_in_its_place() {
    let (world, registry) = (World::new(3), with(Tokens::default()));
    world.publish(&registry, As::User).done();
    registry.assert_has_it();
    let asked = registry.asked();
    let to_registry = |asked: &&_| -> bool {
        let asked: &super::misbehaving::http::Asked = asked;
        asked.path.starts_with("/v2/")
    };
    let password_shown = |asked: &super::misbehaving::http::Asked| {
        asked.header("authorization").is_some_and(|header| header.starts_with("Basic"))
    };
    assert!(!asked.iter().filter(to_registry).any(password_shown), "the registry got the password too");
    let token = asked.iter().find(|asked| asked.path == "/token").unwrap();
    assert!(token.query.contains("service=") && token.says("scope").unwrap().contains("team/app"), "{}", token.query);
}

#[test]
fn who_has_no_password_gets_a_token_where_everybody_does() {
    let (world, registry) = (World::new(3), with(Tokens { only_for_users: false, ..Tokens::default() }));
    world.publish(&registry, As::Nobody).done();
    registry.assert_has_it();
}

#[test]
fn a_token_may_be_called_access_token() {
    let (world, registry) = (World::new(3), with(Tokens { field: "access_token", ..Tokens::default() }));
    world.publish(&registry, As::User).done();
    registry.assert_has_it();
}

#[test]
fn a_token_that_ends_in_the_middle_is_replaced() {
    for last in [1, 2, 3] {
        let (world, registry) = (World::new(3), with(Tokens { last, ..Tokens::default() }));
        let said = world.publish(&registry, As::User);
        assert_eq!(said.code, Some(0), "a token for {last} requests: {said:?}");
        registry.assert_has_it();
    }
}

#[test]
fn a_token_server_that_refuses_is_told_as_a_login_that_is_wrong() {
    let (world, registry) = (World::new(3), with(Tokens::default()));
    for who in [As::Nobody, As::Stranger] {
        world.publish(&registry, who).failed(7, &["try: "]);
        registry.assert_holds_the_other();
    }
}

#[test]
fn a_token_server_that_is_down_or_answers_rubbish_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::new(3);
    let down = with(Tokens { realm: format!("http://{free}/token"), ..Tokens::default() });
    world.publish(&down, As::User).failed(7, &[&free.to_string(), "try: "]);
    down.assert_holds_the_other();
    let answers = |body: &str| Wrong::Answers(Answer::new("200 OK").body(body));
    for wrong in [
        answers("<html>"),
        answers(r#"{"token":17}"#),
        answers(r#"{"token":""}"#),
        answers(r#"{"token":"a\r\nX-More: headers"}"#),
        answers("{}"),
        Wrong::EndlessBody("200 OK"),
        Wrong::Answers(Answer::page("503 Service Unavailable")),
        Wrong::Answers(Answer::page("404 Not Found")),
    ] {
        let name = format!("{wrong:?}");
        let registry = with(Tokens::default()).and(Fault::at("GET /token", wrong));
        let said = world.publish(&registry, As::User);
        assert_eq!(said.code, Some(7), "{name}: {said:?}");
        said.failed(7, &["/token", "try: "]);
        registry.assert_holds_the_other();
    }
}

#[test]
fn tokens_that_no_request_is_let_in_with_are_not_fetched_for_ever() {
    let (world, registry) = (World::new(3), with(Tokens { last: 0, ..Tokens::default() }));
    world.publish(&registry, As::User).failed(7, &["try: "]);
    registry.assert_holds_the_other();
    assert!(registry.times_asked("GET /token") < 20, "{}", registry.times_asked("GET /token"));
}

#[test]
fn a_challenge_that_makes_no_sense_ends_it() {
    let world = World::new(3);
    for challenge in
        ["", "Bearer", "Bearer realm=\"ftp://example.com/token\"", "Negotiate", "Basic", "Bearer realm=\"", "\u{7f}"]
    {
        let mut refusal = Answer::error("401 Unauthorized", "UNAUTHORIZED", "authentication required");
        if !challenge.is_empty() {
            refusal = refusal.with("WWW-Authenticate", challenge);
        }
        let registry = Misbehaving::with(Fault::at("/v2/", Wrong::Answers(refusal))).holding_another();
        let said = world.publish(&registry, As::User);
        assert_eq!(said.code, Some(7), "{challenge:?}: {said:?}");
        said.failed(7, &["try: "]);
    }
}
