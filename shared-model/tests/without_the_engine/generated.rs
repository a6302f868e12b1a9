//! The models against generated requests: what is written is read back as the same value, whatever is in it.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use shared_model::action::{
    Action, ActionList, DownloadAction, EmitProgressAction, ResourceLimits, RunAction, TimeoutAction, TryAction,
    UploadAction,
};
use shared_model::dependency::{CachedDependency, ImageLayer, LayerType};
use shared_model::environment::EnvironmentVariable;
use shared_model::network::{EgressRule, IcmpInfo, PortRange};
use shared_model::safe_url::SafeUrl;
use shared_model::secret::Secret;
use shared_model::task::TaskDefinition;

/// Text with everything that JSON has to escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/._-]{0,12}", "\\PC{0,8}", "[\\x00-\\x1f\"\\\\<>&\u{2028}]{0,4}"]
}

fn url() -> impl Strategy<Value = SafeUrl> {
    text().prop_map(SafeUrl::new)
}

fn environment() -> impl Strategy<Value = Vec<EnvironmentVariable>> {
    vec((text(), text()).prop_map(|(name, value)| EnvironmentVariable::new(name, value)), 0..3)
}

fn download() -> impl Strategy<Value = Action> {
    (of(text()), url(), text(), text(), of(text()), text(), of((text(), text()))).prop_map(
        |(artifact, from, to, cache_key, log_source, user, checksum)| {
            let (checksum_algorithm, checksum_value) = checksum.unzip();
            Action::Download(DownloadAction {
                artifact,
                from,
                to,
                cache_key,
                log_source,
                user,
                checksum_algorithm,
                checksum_value,
            })
        },
    )
}

fn upload() -> impl Strategy<Value = Action> {
    (of(text()), text(), url(), of(text()), text()).prop_map(|(artifact, from, to, log_source, user)| {
        Action::Upload(UploadAction { artifact, from, to, log_source, user })
    })
}

fn run() -> impl Strategy<Value = Action> {
    let limits = (of(any::<u64>()), of(any::<u64>())).prop_map(|(nofile, nproc)| ResourceLimits { nofile, nproc });
    (text(), of(vec(text(), 0..3)), of(text()), of(environment()), of(limits), text(), of(text()), any::<bool>())
        .prop_map(|(path, args, dir, env, resource_limits, user, log_source, suppress_log_output)| {
            let args = args.map(Secret::new);
            let volume_mounted_files = None;
            Action::Run(RunAction {
                path,
                args,
                dir,
                env,
                resource_limits,
                user,
                log_source,
                suppress_log_output,
                volume_mounted_files,
            })
        })
}

fn action() -> impl Strategy<Value = Action> {
    const DEEPEST: u32 = 5;
    const MOST: u32 = 24;
    const WIDEST: u32 = 4;
    prop_oneof![download(), upload(), run()].prop_recursive(DEEPEST, MOST, WIDEST, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let list = (vec(inner, 0..WIDEST as usize), of(text()))
            .prop_map(|(actions, log_source)| ActionList { actions, log_source })
            .boxed();
        prop_oneof![
            (boxed.clone(), of(any::<i64>()), of(any::<i64>()), of(text())).prop_map(
                |(action, timeout, timeout_ms, log_source)| {
                    Action::Timeout(TimeoutAction { action, timeout, timeout_ms, log_source })
                }
            ),
            (boxed.clone(), text(), text(), text(), of(text())).prop_map(
                |(action, start_message, success_message, failure_message_prefix, log_source)| {
                    Action::EmitProgress(EmitProgressAction {
                        action,
                        start_message,
                        success_message,
                        failure_message_prefix,
                        log_source,
                    })
                }
            ),
            (boxed, of(text())).prop_map(|(action, log_source)| Action::Try(TryAction { action, log_source })),
            list.clone().prop_map(Action::Parallel),
            list.clone().prop_map(Action::Serial),
            list.prop_map(Action::Codependent),
        ]
    })
}

fn dependency() -> impl Strategy<Value = CachedDependency> {
    (text(), url(), text(), text(), text(), of((text(), text()))).prop_map(
        |(name, from, to, cache_key, log_source, checksum)| {
            let (checksum_algorithm, checksum_value) = checksum.unzip();
            CachedDependency { name, from, to, cache_key, log_source, checksum_algorithm, checksum_value }
        },
    )
}

fn layer() -> impl Strategy<Value = ImageLayer> {
    let owner = prop_oneof![Just(LayerType::Shared), Just(LayerType::Exclusive)];
    (of(text()), url(), text(), owner, of(text()), of((text(), text()))).prop_map(
        |(name, url, destination_path, layer_type, media_type, digest)| {
            let (digest_algorithm, digest_value) = digest.unzip();
            ImageLayer { name, url, destination_path, layer_type, media_type, digest_algorithm, digest_value }
        },
    )
}

fn egress_rule() -> impl Strategy<Value = EgressRule> {
    let range = (any::<u32>(), any::<u32>()).prop_map(|(start, end)| PortRange { start, end });
    let icmp = (any::<i32>(), any::<i32>()).prop_map(|(r#type, code)| IcmpInfo { r#type, code });
    (of(text()), of(vec(text(), 0..2)), of(vec(any::<u32>(), 0..2)), of(range), of(icmp), any::<bool>()).prop_map(
        |(protocol, destinations, ports, port_range, icmp_info, log)| EgressRule {
            protocol,
            destinations,
            ports,
            port_range,
            icmp_info,
            log,
            annotations: None,
        },
    )
}

fn task() -> impl Strategy<Value = TaskDefinition> {
    let whats_done = (of(action()), of(vec(dependency(), 0..3)), of(vec(layer(), 0..3)), of(vec(egress_rule(), 0..2)));
    let container =
        (text(), of(environment()), any::<i32>(), any::<i32>(), any::<u32>(), any::<bool>(), of(any::<i32>()));
    let names = (text(), text(), text(), of(url()), of(text()), of(text()));
    (whats_done, container, names).prop_map(|(whats_done, container, names)| {
        let (action, cached_dependencies, image_layers, egress_rules) = whats_done;
        let (rootfs, env, disk_mb, memory_mb, cpu_weight, privileged, max_pids) = container;
        let (log_guid, log_source, result_file, completion_callback_url, annotation, legacy_download_user) = names;
        TaskDefinition {
            action,
            cached_dependencies,
            image_layers,
            egress_rules,
            rootfs,
            env,
            disk_mb,
            memory_mb,
            cpu_weight,
            privileged,
            max_pids,
            log_guid,
            log_source,
            result_file,
            completion_callback_url,
            annotation: annotation.map(Secret::new),
            legacy_download_user,
            ..TaskDefinition::default()
        }
    })
}

proptest! {
    #[test]
    fn an_action_tree_that_was_written_is_read_back_as_it_was(action in action()) {
        let written = serde_json::to_string(&action).unwrap();
        prop_assert_eq!(serde_json::from_str::<Action>(&written).unwrap(), action);
    }

    #[test]
    fn a_task_that_was_written_is_read_back_as_it_was(task in task()) {
        let written = serde_json::to_string(&task).unwrap();
        let read: TaskDefinition = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), written);
        prop_assert_eq!(read, task);
    }

    #[test]
    fn unknown_keys_anywhere_in_a_tree_change_nothing(action in action()) {
        let mut document = serde_json::to_value(&action).unwrap();
        add_unknown_keys(&mut document, true);
        prop_assert_eq!(serde_json::from_value::<Action>(document).unwrap(), action);
    }

    #[test]
    fn a_walk_through_a_tree_meets_every_action_once(action in action()) {
        let written = serde_json::to_string(&action).unwrap();
        let runs = written.matches("\"suppress_log_output\":").count();
        prop_assert_eq!(action.runs().count(), runs);
        prop_assert!(action.descend().count() >= action.runs().count() + action.uploads().count() + action.downloads().count());
    }
}

/// Puts a key of tomorrow into every object but those whose one key is an action's kind.
fn add_unknown_keys(value: &mut serde_json::Value, is_action: bool) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                let is_action = !is_action && matches!(key.as_str(), "action" | "actions");
                add_unknown_keys(inner, is_action);
            }
            if !is_action {
                object.insert("key_of_tomorrow".to_owned(), serde_json::json!({"run": [1, null]}));
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|inner| add_unknown_keys(inner, is_action)),
        _ => {}
    }
}
