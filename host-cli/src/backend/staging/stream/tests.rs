//! Events out of a container's output: cut anywhere, mixed with foreign text, or never ending a line.

use super::*;
use proptest::prelude::*;

fn read(pieces: &[(Stream, &[u8])]) -> Vec<Said> {
    let (mut stream, mut said) = (EventStream::default(), Vec::new());
    for (from, bytes) in pieces {
        stream.feed(*from, bytes, &mut |something| said.push(something));
    }
    stream.end(&mut |something| said.push(something));
    said
}

fn read_out(text: &str) -> Vec<Said> {
    read(&[(Stream::Out, text.as_bytes())])
}

fn hello() -> String {
    Event::Hello { protocol: PROTOCOL, version: "0.1.0".into() }.to_json_line()
}

fn note(text: &str) -> Event {
    Event::Note { text: text.into() }
}

fn foreign(stream: Stream, text: &str) -> Said {
    Said::Foreign { stream, text: text.into() }
}

#[test]
fn events_follow_a_hello_and_unknown_ones_are_ignored() {
    let text = format!(
        "{}\n{}\n{{\"event\":\"invented_later\",\"x\":1}}\n{{\"event\":\"step_ended\",\"step\":\"dance\",\"ms\":1}}\n{}",
        hello(),
        note("one").to_json_line(),
        note("two").to_json_line()
    );
    assert_eq!(read_out(&text), [Said::Greeting, Said::Event(note("one")), Said::Event(note("two"))]);
}

#[test]
fn another_protocol_is_refused_and_nothing_after_it_is_believed() {
    let after = note("believe me").to_json_line();
    for (first, protocol) in [
        (r#"{"event":"hello","protocol":3,"version":"9"}"#, Some(3)),
        (r#"{"event":"hello","protocol":3,"speaks":"otherwise"}"#, Some(3)),
        (r#"{"event":"hello"}"#, None),
        (r#"{"event":"note","text":"no hello"}"#, None),
    ] {
        assert_eq!(
            read_out(&format!("{first}\n{after}\n{}\n", hello())),
            [Said::OtherProtocol { protocol }],
            "{first}"
        );
    }
}

#[test]
fn what_is_no_event_is_foreign_text_also_before_the_hello() {
    let said = read(&[
        (Stream::Err, b"exec format error\n"),
        (Stream::Out, b"banner\r\n[1]\n\"x\"\n{}\n{\"event\":1}\n"),
        (Stream::Err, hello().as_bytes()),
    ]);
    let expected = [
        foreign(Stream::Err, "exec format error"),
        foreign(Stream::Out, "banner"),
        foreign(Stream::Out, "[1]"),
        foreign(Stream::Out, "\"x\""),
        foreign(Stream::Out, "{}"),
        foreign(Stream::Out, "{\"event\":1}"),
        foreign(Stream::Err, &hello()),
    ];
    assert_eq!(said, expected);
}

#[test]
fn pieces_of_both_streams_may_come_in_any_order() {
    let hello = hello();
    let (head, tail) = hello.split_at(7);
    let said = read(&[
        (Stream::Out, head.as_bytes()),
        (Stream::Err, b"warn"),
        (Stream::Out, tail.as_bytes()),
        (Stream::Err, b"ing\n"),
        (Stream::Out, b"\n"),
        (Stream::Out, note("x").to_json_line().as_bytes()),
    ]);
    assert_eq!(said, [foreign(Stream::Err, "warning"), Said::Greeting, Said::Event(note("x"))]);
}

#[test]
fn a_result_of_50_kib_passes() {
    let result = Event::Result { text: "\"".repeat(50 << 10) };
    let text = format!("{}\n{}\n", hello(), result.to_json_line());
    assert!(read_out(&text) == [Said::Greeting, Said::Event(result)]);
}

#[test]
fn a_hundred_megabytes_without_a_line_end_cost_no_memory_and_one_line() {
    const CHUNKS: usize = (100 << 20) / CHUNK;
    const CHUNK: usize = 1 << 16;
    let chunk = vec![b'x'; CHUNK];
    for from in [Stream::Out, Stream::Err] {
        let (mut stream, mut said) = (EventStream::default(), Vec::new());
        for _ in 0..CHUNKS {
            stream.feed(from, &chunk, &mut |something| said.push(something));
            assert!(stream.line(from).kept.capacity() <= 2 * LONGEST_EVENT);
        }
        assert_eq!(said, []);
        stream.feed(from, b"\nand on\n", &mut |something| said.push(something));
        assert_eq!(said, [Said::TooLong { bytes: 100 << 20 }, foreign(from, "and on")]);
    }
}

#[test]
fn a_long_foreign_line_is_cut_on_a_characters_boundary() {
    let said = read_out(&"ä".repeat(LONGEST_LINE));
    assert_eq!(said, [foreign(Stream::Out, &format!("{}…", "ä".repeat(LONGEST_LINE / 2)))]);
    let said = read_out(&format!("x{}", "ä".repeat(LONGEST_LINE)));
    assert_eq!(said, [foreign(Stream::Out, &format!("x{}…", "ä".repeat((LONGEST_LINE - 1) / 2)))]);
}

#[test]
fn deep_nesting_is_no_danger() {
    let text = format!("{}\n{{\"event\":\"note\",\"text\":{}", hello(), "[".repeat(100_000));
    assert!(matches!(read_out(&text)[..], [Said::Greeting, Said::Foreign { .. }]));
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_survived_and_give_bounded_text(
        pieces in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                Just(b"{\"event\":\"hello\",\"protocol\":2,\"version\":\"\"}\n".to_vec()),
                Just(b"{\"event\":\"line\",\"source\":\"".to_vec()),
                Just(vec![b'a'; 5000]),
                Just(b"\n".to_vec()),
            ]), 0..30),
    ) {
        let pieces: Vec<(Stream, &[u8])> =
            pieces.iter().map(|(out, bytes)| (if *out { Stream::Out } else { Stream::Err }, bytes.as_slice())).collect();
        for said in read(&pieces) {
            if let Said::Foreign { text, .. } = said {
                prop_assert!(text.len() <= LONGEST_LINE + '…'.len_utf8());
            }
        }
    }

    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(text in "[a-z{}\":\n\\PC]{0,200}", at in 0usize..200) {
        let at = at.min(text.len());
        let (head, tail) = text.as_bytes().split_at(at);
        prop_assert_eq!(read(&[(Stream::Out, head), (Stream::Out, tail)]), read_out(&text));
    }
}
