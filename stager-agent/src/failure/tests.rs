//! All texts, from input that holds secrets wherever it could. `texts.txt` shows them as users see them.

use super::*;
use crate::actions::{ActionError, LimitExceeded};
use crate::build::process::RunError;
use crate::build::user::UserError;
use crate::dependencies::Missing;
use crate::disk_budget::DiskFull;
use crate::fetch::{ChecksumError, FetchError};
use crate::unpack::{Bound, UnpackError};
use crate::untrusted_file::UntrustedFileError;
use crate::upload::UploadError;
use http_client::BadBlock;
use http_client::{OwnCertificateError, ProxyError, TransferError};
use shared_model::assert_all_variants;
use shared_model::document::{Encoding, NotText};
use shared_model::safe_url::SafeUrl;
use shared_model::validate;
use signal_hook::consts::SIGTERM;
use std::time::Duration;

/// When the texts are made: long after the recorded signatures expired.
const NOW: i64 = 1_800_000_000;

fn url() -> SafeUrl {
    SafeUrl::new("https://u:SECRET@blobstore/read/k?md5=SECRET&expires=1466017043")
}

fn refused_by_system() -> io::Error {
    io::Error::from(io::ErrorKind::PermissionDenied)
}

fn transfers() -> Vec<TransferError> {
    let host = || "blobstore".to_owned();
    vec![
        TransferError::BadUrl,
        TransferError::Refused { status: 403, expires: Some(1_466_017_043), token_expired: false },
        TransferError::Refused { status: 410, expires: Some(1_466_017_043), token_expired: false },
        TransferError::Refused { status: 403, expires: Some(NOW + 1), token_expired: false },
        TransferError::Refused { status: 403, expires: None, token_expired: false },
        TransferError::Refused { status: 400, expires: Some(NOW + 1), token_expired: true },
        TransferError::NotFound,
        TransferError::Status { status: 500, text: "upload job failed".to_owned(), retry_after: None },
        TransferError::UnknownHost { host: host() },
        TransferError::Connect { host: host(), cause: io::ErrorKind::ConnectionRefused.into() },
        TransferError::Proxy {
            proxy: "http://***@proxy:3128 (HTTPS_PROXY)".to_owned(),
            status: Some(407),
            reason: "it answered 407 Proxy Authentication Required".to_owned(),
        },
        TransferError::Downgrade { host: host() },
        TransferError::OwnCertificate { host: host(), how: "asks for a client certificate" },
        TransferError::UnknownAuthority { host: host() },
        TransferError::WrongHost { host: host() },
        TransferError::CertificateExpired { host: host() },
        TransferError::Tls { host: host(), reason: "what answers there is not TLS".to_owned() },
        TransferError::CutOff { received: 5, expected: Some(10) },
        TransferError::Damaged { announced: "00".to_owned(), found: "ff".to_owned() },
        TransferError::NotResumed { from: 5 },
        TransferError::Surplus { expected: Some(10) },
        TransferError::Surplus { expected: None },
        TransferError::Encoded { coding: "gzip".to_owned() },
        TransferError::Idle { after: Duration::from_secs(30) },
        TransferError::TooSlow { within: Duration::from_secs(30) },
        TransferError::TooLong { after: Duration::from_secs(1800) },
        TransferError::Protocol { reason: "it redirects in a circle" },
    ]
}

fn unpacking() -> Vec<UnpackError> {
    vec![
        UnpackError::Empty,
        UnpackError::NotAnArchive { looks_like: "an HTML page".to_owned() },
        UnpackError::Corrupt { entry: Some("lib/a".to_owned()), cause: io::ErrorKind::UnexpectedEof.into() },
        UnpackError::Escapes { entry: "../a".to_owned(), how: ".." },
        UnpackError::Forbidden { entry: "dev/sda".to_owned(), what: "is a device" },
        UnpackError::LimitExceeded { bound: Bound::Bytes, limit: 32 << 30, entry: None },
        UnpackError::LimitExceeded { bound: Bound::Packed, limit: 32 << 30, entry: None },
        UnpackError::LimitExceeded { bound: Bound::Entries, limit: 10, entry: None },
        UnpackError::LimitExceeded { bound: Bound::Ratio, limit: 200, entry: None },
        UnpackError::LimitExceeded { bound: Bound::Depth, limit: 256, entry: Some("a/a".to_owned()) },
        UnpackError::LimitExceeded { bound: Bound::Name, limit: 4095, entry: Some("aa".to_owned()) },
        UnpackError::LimitExceeded { bound: Bound::Target, limit: 4095, entry: Some("aa".to_owned()) },
        UnpackError::DiskFull(DiskFull { limit: 512 << 20 }),
        UnpackError::Disk { path: "/tmp/app/a".into(), cause: refused_by_system() },
    ]
}

fn fetching() -> Vec<FetchError> {
    let transfer = |cause| FetchError::Transfer { from: url(), cause };
    let unpack = |cause| FetchError::Unpack { from: url(), to: "/tmp/app".into(), cause };
    let (wanted, found) = ("00".to_owned(), "ff".to_owned());
    let checksum = FetchError::Checksum { from: url(), algorithm: "sha256", wanted, found };
    let transfers = transfers().into_iter().map(transfer);
    let copy = FetchError::Copy { from: url(), cause: io::ErrorKind::StorageFull.into() };
    let stopped = FetchError::Stopped { from: url(), why: Stopped::Signal(SIGTERM) };
    transfers.chain([checksum, copy]).chain(unpacking().into_iter().map(unpack)).chain([stopped]).collect()
}

fn uploading() -> Vec<UploadError> {
    let path = || "/tmp/droplet".into();
    let transfers = transfers().into_iter().map(|cause| UploadError::Transfer { path: path(), to: url(), cause });
    let files = [
        UploadError::File { path: path(), cause: io::ErrorKind::NotFound.into() },
        UploadError::Empty { path: path() },
        UploadError::NotTaken { path: path(), cause: UntrustedFileError::NotAFile },
        UploadError::NotTaken { path: path(), cause: UntrustedFileError::AnothersFile(0) },
        UploadError::NotTaken { path: path(), cause: UntrustedFileError::ManyNames(2) },
        UploadError::NotTaken { path: path(), cause: UntrustedFileError::TooLarge { bytes: 1 << 40, most: 16 << 30 } },
        UploadError::Stopped { path: path(), to: url(), why: Stopped::Signal(SIGTERM) },
    ];
    transfers.chain(files).collect()
}

fn running() -> Vec<RunError> {
    let path = || "/tmp/lifecycle/builder".to_owned();
    vec![
        RunError::Missing(path()),
        RunError::NoInterpreter(path()),
        RunError::NoDirectory { path: path(), directory: "/home/vcap".into() },
        RunError::Start { path: path(), user: "vcap".to_owned(), source: refused_by_system() },
        RunError::Watch { path: path(), source: refused_by_system() },
        RunError::Immortal(path()),
        RunError::LeftBehind(path()),
    ]
}

fn exited(status: i32) -> ActionError {
    ActionError::Exited { path: "/tmp/lifecycle/builder".to_owned(), status, exceeded: None }
}

fn actions() -> Vec<ActionError> {
    let limit = Duration::from_secs(900);
    let checksum = ChecksumError::UnknownAlgorithm("crc32".to_owned());
    let mut all = vec![
        ActionError::Stopped(Stopped::Signal(SIGINT)),
        ActionError::Stopped(Stopped::Signal(SIGTERM)),
        ActionError::Stopped(Stopped::HostGone),
        ActionError::TimedOut { limit, during: Some(Box::new(ActionError::Stopped(Stopped::DeadlinePassed(limit)))) },
        ActionError::Exited {
            path: "/tmp/lifecycle/builder".to_owned(),
            status: 223,
            exceeded: Some(LimitExceeded::Memory),
        },
        ActionError::Exited {
            path: "/tmp/lifecycle/builder".to_owned(),
            status: 137,
            exceeded: Some(LimitExceeded::Disk),
        },
        ActionError::CodependentEnded,
        ActionError::NoThread(io::ErrorKind::WouldBlock.into()),
        ActionError::Checksum { what: "/tmp/app".to_owned(), source: checksum },
        ActionError::User(UserError::Unknown("vcap".to_owned())),
        ActionError::User(UserError::OutOfReach { name: "vcap".to_owned(), own: 1000 }),
        ActionError::User(UserError::Unreadable(refused_by_system())),
    ];
    let missing =
        |name: &str, key: &str| Missing { name: name.into(), key: key.into(), from: url(), expired: 1_466_017_043 };
    all.push(ActionError::Expired(vec![missing("nodejs_buildpack", "5a9cc386_ddfaa3b5"), missing("", "lifecycle")]));
    all.push(ActionError::NotKept);
    all.push(ActionError::Expired(vec![missing("app package", ""), missing("", "")]));
    all.extend([1, 137, 222, 223, 224, 225, 226].map(exited));
    all.extend(running().into_iter().map(ActionError::Run));
    all.extend(fetching().into_iter().map(ActionError::from));
    all.extend(uploading().into_iter().map(ActionError::from));
    all.push(ActionError::Several(vec![ActionError::Stopped(Stopped::Codependent), exited(1)]));
    all
}

fn caches() -> Vec<CacheError> {
    let (root, path) = (|| "/var/cache/stager".into(), || "/var/cache/stager".into());
    vec![
        CacheError::NotOurs { root: root(), why: "the agent is user 2000, not root".to_owned() },
        CacheError::Unusable { path: path(), why: "others may write to it (mode 0777)".to_owned() },
        CacheError::TooNew { root: root(), format: 2, known: 1 },
        CacheError::TooLarge { bytes: 2 << 30, limit: 1 << 30 },
        CacheError::Io { action: "write", path: path(), cause: io::ErrorKind::StorageFull.into() },
        CacheError::NoSuchKey { key: "nodjs".into() },
        CacheError::AmbiguousKey { key: "node".into(), keys: vec!["nodejs_v1_8".into(), "nodejs_v1_9".into()] },
        CacheError::Stopped(Stopped::Signal(SIGTERM)),
    ]
}

fn results() -> Vec<ResultError> {
    let path = || "/tmp/result.json".into();
    vec![
        ResultError::Unreadable { path: path(), source: io::ErrorKind::NotFound.into() },
        ResultError::NotTaken { path: path(), source: UntrustedFileError::NotAFile },
        ResultError::TooLong(path()),
        ResultError::NotText(path()),
    ]
}

fn reports() -> Vec<ReportError> {
    vec![
        ReportError::Refused { to: url(), status: 404 },
        ReportError::Transfer { to: url(), cause: TransferError::Idle { after: Duration::from_secs(30) } },
    ]
}

fn requests() -> Vec<RequestError> {
    vec![
        RequestError::Terminal,
        RequestError::Unreadable { from: "/no/such".to_owned(), source: io::ErrorKind::NotFound.into() },
        RequestError::TooLong,
        RequestError::NotText(NotText { encoding: Encoding::Utf8, byte: 17 }),
        RequestError::NotText(NotText { encoding: Encoding::Utf16Le, byte: 17 }),
        RequestError::NotJson { line: 3, column: 14 },
    ]
}

fn placing() -> Vec<PlaceError> {
    let folder = || "/etc/cf-service-bindings".into();
    vec![PlaceError::Io { folder: folder(), cause: refused_by_system() }, PlaceError::NotEmpty { folder: folder() }]
}

fn trusting() -> Vec<TrustError> {
    let (certificate, key) = (|| "/own.pem".into(), || "/own.key".into());
    let bad = || {
        let block = |line, what: &str| BadBlock { line, what: what.to_owned() };
        vec![block(23, "is not base64"), block(61, "has no line -----END CERTIFICATE-----")]
    };
    let own = [
        OwnCertificateError::Unreadable { path: key(), cause: refused_by_system() },
        OwnCertificateError::NoCertificate { path: certificate() },
        OwnCertificateError::BadBlocks { path: certificate(), bad: bad() },
        OwnCertificateError::NoKey { path: key() },
        OwnCertificateError::Encrypted { path: key() },
        OwnCertificateError::Mismatch { key: key(), certificate: certificate() },
        OwnCertificateError::Unusable { key: key(), certificate: certificate() },
    ];
    let authorities = [
        TrustError::NoCertificate { path: "/ca.pem".into() },
        TrustError::BadBlocks { path: "/ca.pem".into(), bad: bad() },
        TrustError::Library { cause: io::Error::other("no root trust anchors were provided") },
        TrustError::Unreadable { path: "/ca.pem".into(), cause: refused_by_system() },
    ];
    authorities.into_iter().chain(own.map(TrustError::from)).collect()
}

fn leaving() -> Vec<HandoverError> {
    let at = || std::path::PathBuf::from("/handover");
    vec![
        HandoverError::NotEmpty(at()),
        HandoverError::Anothers(at()),
        HandoverError::Io { at: at(), what: "the verdict", source: refused_by_system() },
    ]
}

fn handing_over() -> Vec<HandoffError> {
    let text = || SafeUrl::new("https://u:SECRET@engine/").to_string();
    vec![
        HandoffError::NotStarted { reason: "permission denied".to_owned() },
        HandoffError::Failed { code: ExitCode::Engine, text: text(), advice: text() },
        HandoffError::Silent { status: 1 },
    ]
}

fn all() -> Vec<Failure> {
    let now = Timestamp::from_second(NOW).unwrap();
    let texts = ["", "{}", r#"{"rootfs":"preloaded:x","action":{"exec":{"args":["SECRET"]}}}"#];
    let mut all: Vec<Failure> = requests().into_iter().map(Failure::from).collect();
    all.extend(texts.map(|text| validate::task(text).unwrap_err().into()));
    let long = format!(
        r#"{{"rootfs":"preloaded:x","action":{{"run":{{"path":"/b","user":"vcap","env":[{{"name":"VCAP_SERVICES","value":"{}"}}]}}}}}}"#,
        "SECRET".repeat(1 << 15)
    );
    all.push(validate::task(&long).unwrap_err().into());
    all.extend([PlanError::NoAction, PlanError::NoDownloadUser].map(Failure::from));
    all.push(Failure::no_callback());
    all.extend(placing().into_iter().map(Failure::from));
    all.extend(trusting().into_iter().map(|error| ClientError::from(error).into()));
    all.push(ClientError::from(ProxyError { variable: "HTTPS_PROXY" }).into());
    let staging = |error| Failure::from_staging(&error, Lifecycle::Buildpack, now);
    all.extend(actions().into_iter().map(StagingError::Action).map(staging));
    all.extend(results().into_iter().map(StagingError::Result).map(staging));
    let cnb = |status| Failure::from_staging(&StagingError::Action(exited(status)), Lifecycle::Cnb, now);
    all.extend([137, 222, 231, 232, 233, 234, 235, 236, 237].map(cnb));
    all.extend(reports().into_iter().map(Failure::from));
    all.push(Failure::from_system(&refused_by_system()));
    all.extend(caches().into_iter().map(Failure::from));
    let verified = Verified { all: 3, damaged: 1, ..Verified::default() };
    all.extend(Failure::from_verify(&verified));
    all.extend(Failure::from_verify(&Verified { damaged: 0, others: 2, ..verified }));
    all.extend(Failure::from_verify(&Verified { others: 1, unanswered: 1, ..verified }));
    all.push(Failure::from_cache_up(&not_fetched(), 5, now));
    let exited = ActionError::Exited { path: "/tmp/lifecycle/builder".to_owned(), status: 2, exceeded: None };
    let exited = StagingError::Action(exited);
    all.push(Failure::from_staging(&exited, Lifecycle::Docker, now).of_docker_app(&exited, "r.io/acme/shop:1"));
    all.extend(leaving().into_iter().map(Failure::from));
    all
}

fn not_trusted(name: &str) -> NotFetched {
    let cause = TransferError::UnknownAuthority { host: "blobstore".into() };
    let error = ActionError::Fetch(FetchError::Transfer { from: url(), cause });
    NotFetched::Dependency { name: name.to_owned(), key: "k".to_owned(), error }
}

fn not_fetched() -> Vec<NotFetched> {
    let key = || "nodejs_v1_8".to_owned();
    let refused = || TransferError::Refused { status: 410, expires: Some(1_466_017_043), token_expired: false };
    vec![
        NotFetched::Request { number: 2, failure: validate::task("null").unwrap_err().into() },
        NotFetched::Dependency {
            name: "nodejs_buildpack".to_owned(),
            key: key(),
            error: ActionError::Fetch(FetchError::Transfer { from: url(), cause: refused() }),
        },
        not_trusted("ruby_buildpack"),
        not_trusted("python_buildpack"),
        NotFetched::Dependency { name: String::new(), key: key(), error: ActionError::NotKept },
    ]
}

fn shown(failure: &Failure) -> String {
    let event = failure.event();
    let line = shared_model::plain_line::plain_line(&event).unwrap();
    format!("{:>3} {}\n", failure.code.number(), line.text)
}

#[test]
fn every_text_is_as_it_was_read_and_approved() {
    let texts: String = all().iter().map(shown).collect();
    let approved = include_str!("texts.txt");
    for (new, old) in texts.lines().zip(approved.lines()) {
        assert_eq!(new, old);
    }
    assert_eq!(texts, approved);
}

#[test]
fn no_text_holds_a_secret() {
    for failure in all().into_iter().chain(handing_over().into_iter().map(Failure::from)) {
        let shown = shown(&failure) + &failure.event().to_json_line();
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[test]
fn no_error_is_forgotten_here() {
    assert_all_variants!(
        &transfers(),
        TransferError,
        TransferError {
            BadUrl,
            Refused,
            NotFound,
            Status,
            UnknownHost,
            Connect,
            Proxy,
            Downgrade,
            UnknownAuthority,
            WrongHost,
            CertificateExpired,
            OwnCertificate,
            Tls,
            CutOff,
            NotResumed,
            Surplus,
            Encoded,
            Damaged,
            Idle,
            TooSlow,
            TooLong,
            Protocol
        }
    );
    assert_all_variants!(
        &unpacking(),
        UnpackError,
        UnpackError { Empty, NotAnArchive, Corrupt, Escapes, Forbidden, LimitExceeded, DiskFull, Disk }
    );
    assert_all_variants!(&fetching(), FetchError, FetchError { Transfer, Checksum, Unpack, Copy, Stopped });
    assert_all_variants!(&uploading(), UploadError, UploadError { File, Empty, NotTaken, Transfer, Stopped });
    assert_all_variants!(
        &running(),
        RunError,
        RunError { Missing, NoInterpreter, NoDirectory, Start, Watch, Immortal, LeftBehind }
    );
    assert_all_variants!(
        &actions(),
        ActionError,
        ActionError {
            Stopped,
            TimedOut,
            CodependentEnded,
            NoThread,
            Several,
            Exited,
            Run,
            User,
            Checksum,
            Expired,
            NotKept,
            Fetch,
            Upload
        }
    );
    assert_all_variants!(
        &caches(),
        CacheError,
        CacheError { NotOurs, Unusable, TooNew, TooLarge, NoSuchKey, AmbiguousKey, Io, Stopped }
    );
    assert_all_variants!(&results(), ResultError, ResultError { Unreadable, NotTaken, TooLong, NotText });
    assert_all_variants!(&reports(), ReportError, ReportError { Transfer, Refused });
    assert_all_variants!(&requests(), RequestError, RequestError { Terminal, Unreadable, TooLong, NotText, NotJson });
    assert_all_variants!(&placing(), PlaceError, PlaceError { Io, NotEmpty });
    assert_all_variants!(&trusting(), TrustError, TrustError { Own, Unreadable, NoCertificate, BadBlocks, Library });
    assert_all_variants!(&not_fetched(), NotFetched, NotFetched { Dependency, Request });
    assert_all_variants!(&leaving(), HandoverError, HandoverError { NotEmpty, Anothers, Io });
    assert_all_variants!(&handing_over(), HandoffError, HandoffError { NotStarted, Failed, Silent });
}

#[test]
fn the_cause_that_counts_is_not_the_end_that_it_brought_to_others() {
    let stopped = || ActionError::Stopped(Stopped::Codependent);
    let exited = ActionError::Exited { path: "b".to_owned(), status: 223, exceeded: None };
    let several = ActionError::Several(vec![stopped(), ActionError::Several(vec![stopped(), exited])]);
    let now = Timestamp::from_second(NOW).unwrap();
    let failure = Failure::from_staging(&StagingError::Action(several), Lifecycle::Buildpack, now);
    assert_eq!(failure.code, ExitCode::BuildersOwn(223));
}
