//! A registry that holds images and does wrong as it is told. It speaks as much of the distribution API as is needed to hold
//! them: blobs, uploads in one or many pieces, mounts, manifests, names and passwords, tokens.

pub(crate) mod door;
pub(crate) mod http;
pub(crate) mod store;
pub(crate) mod wrong;

use door::{Door, Given};
use http::{Answer, Asked};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;
use store::{Habits, Store};
use wrong::{Fault, Wrong};

/// Longer than any test lasts.
const FOR_EVER: Duration = Duration::from_secs(300);
/// A thin wire: bytes, and how long they take.
const LOT: usize = 100 << 10;
const TAKES: Duration = Duration::from_millis(100);
/// Between one byte and the next where they trickle.
const DRIP: Duration = Duration::from_secs(1);
/// How TLS begins, and what Go's servers and nginx say to it.
const TLS_HANDSHAKE: u8 = 22;
const NO_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n";

/// See the module's text. It ends with its test.
#[derive(Clone)]
pub(crate) struct Misbehaving {
    /// `HOST:PORT`.
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

/// Where a request came in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Front,
    Back,
}

#[derive(Default)]
struct State {
    store: Store,
    habits: Habits,
    door: Door,
    given: Given,
    faults: Vec<Fault>,
    asked: Vec<Asked>,
}

impl Misbehaving {
    /// A registry on loopback that does nothing wrong and lets everybody in.
    pub(crate) fn new() -> Self {
        Self::on("127.0.0.1")
    }

    /// The same on this address of this machine.
    pub(crate) fn on(host: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let habits = Habits { mounts: true, ..Habits::default() };
        let state = Arc::new(Mutex::new(State { habits, ..State::default() }));
        let registry = Self { address, state };
        registry.clone().listen(listener, Side::Front);
        registry
    }

    fn listen(self, listener: TcpListener, side: Side) {
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (Ok(connection), registry) = (connection, self.clone()) else { return };
                // A client that goes away in the middle is what these tests are about.
                thread::spawn(move || registry.serve(connection, side));
            }
        });
    }

    /// One with this fault.
    pub(crate) fn with(fault: Fault) -> Self {
        let registry = Self::new();
        registry.state().faults.push(fault);
        registry
    }

    /// One that wants to know who comes.
    pub(crate) fn behind(door: Door) -> Self {
        let registry = Self::new();
        registry.state().door = door;
        registry
    }

    /// Does this wrong too.
    pub(crate) fn and(self, fault: Fault) -> Self {
        self.state().faults.push(fault);
        self
    }

    /// Has other habits.
    pub(crate) fn used_to(self, change: impl FnOnce(&mut Habits)) -> Self {
        change(&mut self.state().habits);
        self
    }

    /// Looks at what it holds, or changes it.
    pub(crate) fn store<T>(&self, look: impl FnOnce(&mut Store) -> T) -> T {
        look(&mut self.state().store)
    }

    /// Serves the same under another address of this machine, where no password is wanted: a store of objects, or a network
    /// that delivers them. `http://HOST:PORT`.
    pub(crate) fn also_on(&self, host: &str) -> String {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        self.clone().listen(listener, Side::Back);
        format!("http://{address}")
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// How many requests had this in method and path.
    pub(crate) fn times_asked(&self, what: &str) -> usize {
        self.state().asked.iter().filter(|asked| asked.line().contains(what)).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The requests of a connection, one after the other.
    fn serve(&self, connection: TcpStream, side: Side) -> io::Result<()> {
        let mut reading = BufReader::new(connection.try_clone()?);
        let mut writing = connection;
        if reading.fill_buf()?.first() == Some(&TLS_HANDSHAKE) {
            return if self.state().habits.mute { Ok(()) } else { writing.write_all(NO_TLS) };
        }
        while let Some(mut asked) = Asked::read_head(&mut reading)? {
            let wrong = {
                let mut state = self.state();
                state.asked.push(asked.clone());
                state.faults.iter_mut().find_map(|fault| fault.meets(&asked).then(|| fault.wrong.clone()))
            };
            if asked.header("expect").is_some() {
                writing.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            if let Some(Wrong::Interrupts(answer)) = &wrong {
                answer.write(&mut writing, false)?;
                return writing.shutdown(Shutdown::Both);
            }
            if let Err(error) = read_body(&mut asked, &mut reading, wrong.as_ref()) {
                let mut state = self.state();
                let State { store, habits, .. } = &mut *state;
                store.broken_off(&asked, habits);
                return Err(error);
            }
            let bodiless = asked.method == "HEAD";
            match wrong {
                None => self.answer(&asked, side).write(&mut writing, bodiless)?,
                Some(wrong) => self.misbehave(&wrong, &asked, side, &mut writing)?,
            }
        }
        Ok(())
    }

    /// What a registry without faults answers.
    fn answer(&self, asked: &Asked, side: Side) -> Answer {
        let mut state = self.state();
        let State { store, habits, door, given, .. } = &mut *state;
        if asked.path == "/token" {
            return door.token(asked, given);
        }
        if side == Side::Front
            && let Some(refusal) = door.refuses(asked, given, &self.address)
        {
            return refusal;
        }
        if habits.largest.is_some_and(|largest| asked.body.len() > largest) {
            return Answer::page("413 Request Entity Too Large");
        }
        let here = Habits { blobs_elsewhere: None, ..habits.clone() };
        store.answer(asked, if side == Side::Back { &here } else { habits })
    }

    fn misbehave(&self, wrong: &Wrong, asked: &Asked, side: Side, to: &mut TcpStream) -> io::Result<()> {
        let bodiless = asked.method == "HEAD";
        match wrong {
            Wrong::Answers(answer) => answer.write(to, bodiless),
            Wrong::Changes(change) => {
                let mut answer = self.answer(asked, side);
                change(&mut answer);
                answer.write(to, bodiless)
            }
            Wrong::CutsOff { after } => {
                let answer = self.answer(asked, side);
                to.write_all(answer.head().as_bytes())?;
                to.write_all(&answer.body[..answer.body.len().min(*after)])?;
                to.shutdown(Shutdown::Both)
            }
            Wrong::Crawls => {
                let answer = self.answer(asked, side);
                to.write_all(answer.head().as_bytes())?;
                for lot in if bodiless { &[] } else { &answer.body[..] }.chunks(LOT) {
                    to.write_all(lot)?;
                    thread::sleep(TAKES);
                }
                Ok(())
            }
            Wrong::Hangs => {
                to.set_read_timeout(Some(FOR_EVER))?;
                to.read(&mut [0]).map(drop)
            }
            Wrong::Trickles { answer, after } => {
                let answer = answer.clone().unwrap_or_else(|| self.answer(asked, side));
                let mut bytes = Vec::new();
                answer.write(&mut bytes, bodiless)?;
                let at_once = after.map_or(0, |after| answer.head().len() + after).min(bytes.len());
                to.write_all(&bytes[..at_once])?;
                bytes[at_once..].iter().try_for_each(|byte| {
                    thread::sleep(DRIP);
                    to.write_all(&[*byte])
                })
            }
            Wrong::EndlessHead => {
                to.write_all(b"HTTP/1.1 200 OK\r\n")?;
                endless(to, &b"X-Filler: and so on\r\n".repeat(1000))
            }
            Wrong::EndlessBody(status) => {
                write!(
                    to,
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{{\"errors\":[\""
                )?;
                endless(to, &b"and so on ".repeat(1000))
            }
            Wrong::Babbles => {
                to.write_all(b"220 mail.example.com ESMTP\r\n")?;
                to.shutdown(Shutdown::Both)
            }
            Wrong::Interrupts(_) | Wrong::HangsUp { .. } => unreachable!("done before the answer"),
        }
    }
}

/// The body of a request, as a registry with this fault reads it.
fn read_body(asked: &mut Asked, from: &mut BufReader<TcpStream>, wrong: Option<&Wrong>) -> io::Result<()> {
    match wrong {
        Some(Wrong::HangsUp { after }) => {
            asked.read_body(from, *after)?;
            from.get_ref().shutdown(Shutdown::Both)?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        Some(Wrong::Crawls) => {
            asked.read_body(from, usize::MAX)?;
            thread::sleep(TAKES * u32::try_from(asked.body.len() / LOT).unwrap_or(u32::MAX));
            Ok(())
        }
        _ => asked.read_body(from, usize::MAX),
    }
}

/// Until the client has had enough.
fn endless(to: &mut TcpStream, lot: &[u8]) -> io::Result<()> {
    loop {
        to.write_all(lot)?;
    }
}
