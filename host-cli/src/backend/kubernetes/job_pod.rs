//! What a pod's status says of a staging: how far each container is, how it ended, and what keeps it from beginning. Pure.

use super::client::{Patience, shown};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Event, Pod};
use std::time::{Duration, Instant};

/// How long room is waited for where nothing of ours is to make it.
pub(crate) const ROOM: Duration = Duration::from_secs(600);

/// How far a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It has not begun.
    Waiting,
    Running,
    Ended(End),
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) code: i64,
    pub(super) out_of_memory: bool,
    /// Its last words, as it left them.
    pub(super) message: String,
}

/// What keeps a pod from beginning, and how long it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hindrance {
    pub(super) kind: Kind,
    /// In the cluster's words.
    pub(super) text: String,
}

impl Hindrance {
    /// With the moment since when it lasts: of the same kind as before, since then.
    pub(super) fn since(self, before: Option<(Self, Instant)>) -> (Self, Instant) {
        let since = before.filter(|(known, _)| known.kind == self.kind).map_or_else(Instant::now, |(_, since)| since);
        (self, since)
    }
}

/// Of what kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No node has room, or a quota is used up. Others end.
    Room,
    /// An image is not to be had. A registry's word to a new login is not its last.
    Image,
    /// A file or setting is missing, or something else that is made a moment later.
    Missing,
    /// The cluster takes no such pod.
    Refused,
}

impl Kind {
    /// How long it is waited for; `room`: for others to end.
    pub(super) fn patience(self, patience: &Patience, room: Duration) -> Duration {
        match self {
            Self::Room => room,
            Self::Image | Self::Missing => patience.missing,
            Self::Refused => patience.refused,
        }
    }

    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Room => {
                "give the namespace more, or stage fewer at once: `kubectl describe quota`, `kubectl get nodes`"
            }
            Self::Image => {
                "the nodes must reach the image's registry, and log in there by `imagePullSecrets` of the service account; `launch` takes \
                 --pull-secret, too"
            }
            Self::Missing => "`kubectl get events` and `kubectl get pvc,secret` show what is missing",
            Self::Refused => "a namespace's pod security must be `baseline` for a staging, or weaker",
        }
    }
}

pub(super) fn stand(pod: &Pod, container: &str) -> Stand {
    match status_of(pod, container).and_then(|status| status.state.as_ref()) {
        Some(ContainerState { terminated: Some(ended), .. }) => Stand::Ended(End {
            code: i64::from(ended.exit_code),
            out_of_memory: ended.reason.as_deref() == Some("OOMKilled"),
            message: ended.message.clone().unwrap_or_default(),
        }),
        Some(ContainerState { running: Some(_), .. }) => Stand::Running,
        _ => Stand::Waiting,
    }
}

/// Why the cluster itself ended it, in its words: it was evicted, took too long, or its node goes.
pub(super) fn fate(pod: &Pod) -> Option<(String, String)> {
    let status = pod.status.as_ref()?;
    let reason = status.reason.clone().filter(|_| status.phase.as_deref() == Some("Failed"))?;
    Some((reason, shown(status.message.as_deref().unwrap_or_default())))
}

/// What keeps `container` from beginning, as the pod itself says.
pub(super) fn hindrance(pod: &Pod, container: &str) -> Option<Hindrance> {
    if let Some(waiting) = status_of(pod, container).and_then(|status| status.state.as_ref()?.waiting.as_ref()) {
        let kind = match waiting.reason.as_deref()? {
            "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" | "ErrInvalidImageName" => {
                Kind::Image
            }
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => Kind::Missing,
            _ => return None,
        };
        return Some(Hindrance { kind, text: with_reason(waiting.reason.as_deref(), waiting.message.as_deref()) });
    }
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let unscheduled = conditions.iter().find(|one| one.type_ == "PodScheduled" && one.status == "False")?;
    let text = unscheduled.message.as_deref().unwrap_or("no node has room");
    Some(Hindrance { kind: unplaced(text), text: shown(text) })
}

/// Why no node takes a pod: others may end; a claim that nobody has made is made by nobody who ends.
fn unplaced(text: &str) -> Kind {
    if text.contains("persistentvolumeclaim") && text.contains("not found") { Kind::Missing } else { Kind::Room }
}

/// What the newest of these events, of the Job or of its pod, tells of what keeps it; `None`: nothing, or it goes on. A Secret that
/// was missed for a moment is told of for an hour.
pub(super) fn of_events(events: &[Event]) -> Option<Hindrance> {
    const GOES_ON: [&str; 5] = ["Pulling", "Pulled", "Created", "Started", "SuccessfulCreate"];
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| {
        let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
        let of_series = series.or(event.event_time.as_ref()).map(|time| time.0);
        event.last_timestamp.as_ref().map(|time| time.0).max(of_series)
    });
    let telling = |event: &&&Event| {
        of_event(event).is_some() || event.reason.as_deref().is_some_and(|reason| GOES_ON.contains(&reason))
    };
    events.iter().rev().find(telling).and_then(|event| of_event(event))
}

fn of_event(event: &Event) -> Option<Hindrance> {
    let (reason, message) = (event.reason.as_deref(), event.message.as_deref());
    let kind = match reason? {
        "FailedCreate" => return Some(uncreated(reason, message)),
        "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" => Kind::Missing,
        "FailedScheduling" => unplaced(message.unwrap_or_default()),
        _ => return None,
    };
    Some(Hindrance { kind, text: with_reason(reason, message) })
}

/// What it means that a controller could not make a pod, or what makes one.
pub(super) fn uncreated(reason: Option<&str>, message: Option<&str>) -> Hindrance {
    let said = |words: &str| message.is_some_and(|message| message.contains(words));
    let kind = if said("exceeded quota") {
        Kind::Room
    } else if said("forbidden") || said("denied") {
        Kind::Refused
    } else {
        Kind::Missing
    };
    Hindrance { kind, text: with_reason(reason, message) }
}

fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let all = [&status.init_container_statuses, &status.container_statuses];
    all.into_iter().flatten().flatten().find(|status| status.name == container)
}

fn with_reason(reason: Option<&str>, message: Option<&str>) -> String {
    let (reason, message) = (reason.unwrap_or_default(), message.unwrap_or_default());
    shown(&if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") })
}
