//! Waiting until an app is healthy, and why it is not.

mod asking;

pub(super) use crate::backend::unhealthy::Unhealthy;
use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::failure::Failure;
use crate::session::Session;
use asking::Asking;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process without a health check must have run to be called healthy: one that cannot start dies within this.
const SETTLED: Duration = Duration::from_secs(2);

/// How often it is asked whether it is still wanted.
const STILL_WANTED: Duration = Duration::from_secs(1);

/// From one look at the container to the next: a tenth of what it has been waited for, so that what is seen late is late by a
/// tenth at most. A look costs the engine a millisecond.
fn pause(waited: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_millis(200);
    (waited / 10).clamp(SHORTEST, LONGEST)
}

/// Waits for a container of this spec, which has just been started, as long as it is wanted. The outer error is the engine's, or says
/// that it is not wanted any more.
pub(super) fn wait(
    session: &Session,
    container: &ContainerId,
    spec: &ContainerSpec,
    start_timeout: Duration,
    is_wanted: &dyn Fn() -> Result<(), Failure>,
) -> Result<Result<(), Unhealthy>, Failure> {
    let (began, mut asked) = (Instant::now(), Instant::now());
    let check = spec.health_check.as_ref();
    let mut asking = check.map(|check| Asking::new(session, container, check, &spec.network, start_timeout));
    loop {
        let waited = began.elapsed();
        let Some(now) = session.engine.container(container)? else {
            return Ok(Err(Unhealthy::Gone));
        };
        if !now.running {
            return Ok(Err(Unhealthy::Ended { status: now.exit_status, out_of_memory: now.out_of_memory }));
        }
        let is_healthy = match &mut asking {
            Some(asking) => asking.finds_healthy(&now, || began.elapsed()),
            None => waited >= SETTLED.min(start_timeout),
        };
        if is_healthy {
            return Ok(Ok(()));
        }
        if asked.elapsed() >= STILL_WANTED {
            is_wanted()?;
            asked = Instant::now();
        }
        if waited >= start_timeout {
            let check = asking.map_or_else(String::new, |asking| asking.last_words(now));
            return Ok(Err(Unhealthy::NotHealthy { waited: start_timeout, check }));
        }
        thread::sleep(pause(waited));
    }
}
