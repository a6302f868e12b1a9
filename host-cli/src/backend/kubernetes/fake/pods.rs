//! What becomes of a pod on a cluster, step by step: the states, reasons and events that a kubelet, a scheduler and the Jobs'
//! controller give it.

use super::objects::text;
use super::{Kind, World};
use serde_json::{Value, json};

/// A pod of a Job, and what may happen to it.
#[derive(Clone)]
pub(crate) struct FakePod {
    world: World,
    /// What it is called.
    pub(crate) name: String,
}

impl World {
    /// Does what the Jobs' controller does: a pod of the Job's template, which nobody has found a node for yet.
    ///
    /// # Panics
    /// There is no such Job.
    pub(crate) fn start_pod(&self, job: &str) -> FakePod {
        self.start_pod_of(Kind::Job, job)
    }

    /// As [`Self::start_pod`], of another kind of owner.
    pub(crate) fn start_pod_of(&self, kind: Kind, owner: &str) -> FakePod {
        let found = self.get(kind, owner).unwrap();
        let number = self.change_state(|state| {
            state.pods += 1;
            state.pods - 1
        });
        let name = format!("{owner}-pod{number}");
        let template = &found["spec"]["template"];
        let mut pod =
            json!({"metadata": template["metadata"], "spec": template["spec"], "status": {"phase": "Pending"}});
        pod["metadata"]["name"] = Value::from(&*name);
        if kind == Kind::Job {
            pod["metadata"]["labels"]["job-name"] = owner.into();
        }
        pod["metadata"]["ownerReferences"] = json!([{"apiVersion": kind.api(), "kind": kind.name(), "name": owner, "uid": found["metadata"]["uid"], "controller": true}]);
        self.add(Kind::Pod, pod);
        self.pod(&name)
    }

    /// A pod that is there.
    pub(crate) fn pod(&self, name: &str) -> FakePod {
        FakePod { world: self.clone(), name: name.to_owned() }
    }

    /// What a cluster says about an object: `involved` names its kind, which is a pod's or a Job's.
    pub(crate) fn event(&self, involved: Kind, name: &str, reason: &str, message: &str) {
        let uid = self.get(involved, name).map(|object| object["metadata"]["uid"].clone());
        let number = self.all(Kind::Event).len();
        self.add(
            Kind::Event,
            json!({
                "metadata": {"name": format!("{name}.{number:016x}")},
                "involvedObject": {"kind": involved.name(), "apiVersion": involved.api(), "namespace": super::NAMESPACE, "name": name, "uid": uid},
                "reason": reason, "message": message, "type": "Warning", "count": 1,
                "firstTimestamp": "2026-11-30T12:00:00Z", "lastTimestamp": "2026-11-30T12:00:00Z",
                "source": {"component": "tests"},
            }),
        );
    }

    /// How a Job ends whose controller has given it up: `DeadlineExceeded` or `BackoffLimitExceeded`.
    pub(crate) fn fail_job(&self, job: &str, reason: &str, message: &str) {
        self.change(Kind::Job, job, |job| {
            job["status"]["conditions"] =
                json!([{"type": "Failed", "status": "True", "reason": reason, "message": message}]);
        });
    }
}

impl FakePod {
    /// What tells it from any other.
    pub(crate) fn uid(&self) -> String {
        let pod = self.world.get(Kind::Pod, &self.name).unwrap();
        text(&pod, "/metadata/uid").to_owned()
    }

    /// An event about it.
    pub(crate) fn event(&self, reason: &str, message: &str) -> &Self {
        self.world.event(Kind::Pod, &self.name, reason, message);
        self
    }

    /// Changes its status.
    pub(crate) fn status(&self, act: impl FnOnce(&mut Value)) -> &Self {
        self.world.change(Kind::Pod, &self.name, |pod| act(&mut pod["status"]));
        self
    }

    /// No node has room for it.
    pub(crate) fn unschedulable(&self, message: &str) -> &Self {
        self.condition("PodScheduled", "False", "Unschedulable", message).event("FailedScheduling", message)
    }

    /// A node takes it, and has not begun yet.
    pub(crate) fn scheduled(&self) -> &Self {
        self.world.change(Kind::Pod, &self.name, |pod| {
            pod["spec"]["nodeName"] = "node1".into();
            for (of, list) in [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")] {
                let names = pod["spec"][of].as_array().into_iter().flatten().map(|container| container["name"].clone());
                let waiting = json!({"waiting": {"reason": "PodInitializing"}});
                let statuses =
                    names.map(|name| json!({"name": name, "ready": false, "restartCount": 0, "state": waiting}));
                pod["status"][list] = statuses.collect();
            }
        });
        self.condition("PodScheduled", "True", "", "").condition("Ready", "False", "ContainersNotReady", "")
    }

    /// A condition, in the place of one of its type.
    pub(crate) fn condition(&self, kind: &str, is: &str, reason: &str, message: &str) -> &Self {
        self.status(|status| {
            let old = status["conditions"].as_array().cloned().unwrap_or_default();
            let mut all: Vec<Value> = old.into_iter().filter(|condition| condition["type"] != kind).collect();
            all.push(json!({"type": kind, "status": is, "reason": reason, "message": message}));
            status["conditions"] = all.into();
        })
    }

    /// A container waits, for this reason: `ErrImagePull`, `ImagePullBackOff`, `CreateContainerConfigError` …
    pub(crate) fn waits(&self, container: &str, reason: &str, message: &str) -> &Self {
        self.state(container, &json!({"waiting": {"reason": reason, "message": message}}))
    }

    /// A container runs.
    pub(crate) fn runs(&self, container: &str) -> &Self {
        let is_init =
            self.state(container, &json!({"running": {"startedAt": "2026-11-30T12:00:00Z"}})).is_init(container);
        // While one of the first containers runs, a pod still counts as pending.
        if is_init { self } else { self.phase("Running") }
    }

    /// A container says a line.
    pub(crate) fn says(&self, container: &str, line: &str) -> &Self {
        self.log(container, |log| log.lines.push(line.to_owned()))
    }

    /// The node has begun a new file of a container's log, and what was said before is there no more.
    pub(crate) fn rotates(&self, container: &str) -> &Self {
        self.log(container, |log| log.gone += std::mem::take(&mut log.lines).len())
    }

    /// A container ends with this code and these last words. The pod ends with its last container, and where one of the first fails.
    pub(crate) fn ends(&self, container: &str, code: i32, message: &str) -> &Self {
        let reason = if code == 0 { "Completed" } else { "Error" };
        self.terminated(container, code, reason, message)
    }

    /// A container has ended with this code, and the node waits before it starts it once more.
    pub(crate) fn crashed(&self, container: &str, code: i32) -> &Self {
        let ended = json!({"exitCode": code, "reason": "Error", "startedAt": "2026-11-30T12:00:00Z", "finishedAt": "2026-11-30T12:00:01Z"});
        self.state(container, &json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}));
        self.of_container(container, |status| status["lastState"] = json!({"terminated": ended.clone()}))
    }

    /// A container wanted more memory than it may have.
    pub(crate) fn out_of_memory(&self, container: &str) -> &Self {
        self.terminated(container, 137, "OOMKilled", "")
    }

    /// The node wants to be rid of it.
    pub(crate) fn evicted(&self, message: &str) -> &Self {
        self.event("Evicted", message);
        self.status(|status| {
            status["phase"] = "Failed".into();
            status["reason"] = "Evicted".into();
            status["message"] = message.into();
        })
    }

    /// All of it is over.
    pub(crate) fn phase(&self, phase: &str) -> &Self {
        self.status(|status| status["phase"] = phase.into())
    }

    /// It is there no more.
    pub(crate) fn gone(&self) {
        self.world.remove(Kind::Pod, &self.name);
    }

    fn terminated(&self, container: &str, code: i32, reason: &str, message: &str) -> &Self {
        let mut how = json!({"exitCode": code, "reason": reason, "finishedAt": "2026-11-30T12:00:09Z"});
        if !message.is_empty() {
            how["message"] = message.into();
        }
        self.log(container, |log| log.is_over = true).state(container, &json!({"terminated": how}));
        match (code, self.is_init(container)) {
            (0, true) => self,
            (0, false) => self.phase("Succeeded"),
            (_, _) => self.phase("Failed"),
        }
    }

    fn log(&self, container: &str, act: impl FnOnce(&mut super::Log)) -> &Self {
        let key = (self.name.clone(), container.to_owned());
        self.world.change_state(|state| act(state.logs.entry(key).or_default()));
        self
    }

    fn state(&self, container: &str, state: &Value) -> &Self {
        self.of_container(container, |status| status["state"] = state.clone())
    }

    fn of_container(&self, container: &str, act: impl Fn(&mut Value)) -> &Self {
        self.status(|status| {
            for list in ["initContainerStatuses", "containerStatuses"] {
                for one in status[list].as_array_mut().into_iter().flatten() {
                    if one["name"] == container {
                        act(one);
                    }
                }
            }
        })
    }

    fn is_init(&self, container: &str) -> bool {
        let pod = self.world.get(Kind::Pod, &self.name).unwrap_or_default();
        let all = pod["spec"]["initContainers"].as_array();
        all.into_iter().flatten().any(|one| one["name"] == container)
    }
}
