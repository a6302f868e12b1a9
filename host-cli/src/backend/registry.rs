//! A registry as the place that an app's image goes to, with no engine between: its layers first, its name last.

use crate::engine::{Engine, Image, Platform};
use crate::failure::Failure;
use crate::image::base::{Base, BaseSource, EngineConfig};
use crate::image::rebase_plan::RebasePlan;
use crate::image::{CompressedLayers, ImageMaker, ImageParts, ImagePlan, Publication, RegistryDestination};
use crate::plan::rebase::{RebaseError, RebaseOptions, Rebasing, rebase};
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use crate::registry::registries::Registries;
use crate::registry::repository::{Access, Repository};
use crate::session::{Unconnected, millis};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// The digest of a blob `{}`, which a registry is asked for to learn whether it speaks to us.
const SOME_BLOB: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// Where an image is to be published, and by whom.
#[derive(Clone)]
pub(crate) struct Publishing {
    /// The name that it gets.
    pub(crate) reference: Reference,
    /// Who publishes.
    pub(crate) credentials: Credentials,
    /// How registries are reached.
    pub(crate) registries: Arc<dyn Registries>,
    /// What records are kept of layers.
    pub(crate) records: CompressedLayers,
}

/// Publishes images on one base.
pub(crate) struct Publisher {
    reference: Reference,
    repository: Box<dyn Repository + Send>,
    base: Base,
    records: CompressedLayers,
    cores: NonZeroUsize,
}

/// An image that is in the registry but for its name.
pub(crate) struct Unnamed {
    /// The sha256 of its droplet, in hexadecimal digits.
    pub(crate) droplet: String,
    publication: Publication,
    began: Instant,
}

impl Publishing {
    /// Looks for the registry and for the base. `platform` is what the app runs on; `engine` is where a base is that is neither
    /// in a layout nor in a registry.
    ///
    /// # Errors
    /// One of them is not there, or is of no use.
    pub(crate) fn open(
        &self,
        session: &Unconnected,
        (base, platform): (&BaseSource, &Platform),
        engine: Option<Arc<dyn Engine>>,
    ) -> Result<Publisher, Failure> {
        let repository = self.reach(session, Access::Write)?;
        let base = match (base, engine) {
            (BaseSource::Layout(layout), _) => Base::in_layout(layout, platform)?,
            (BaseSource::Registry(reference), _) => self.base_in_registry(session, reference, platform)?,
            (BaseSource::Engine(name), Some(engine)) => Base::on_engine(name, engine)?,
            (BaseSource::Engine(name), None) => {
                let text = format!("nobody has connected to the engine that has {name}");
                return Err(Failure::new(ExitCode::Bug, text, "please report this"));
            }
        };
        Ok(self.publisher(repository, base))
    }

    /// Looks for the registry, where an image of the engine is to go as it is: with its config.
    ///
    /// # Errors
    /// The registry is not there.
    pub(crate) fn open_for(
        &self,
        session: &Unconnected,
        image: &Image,
        engine: Arc<dyn Engine>,
    ) -> Result<(Publisher, EngineConfig), Failure> {
        let (image, config) = Base::itself_on_engine(image, engine);
        Ok((self.publisher(self.reach(session, Access::Push)?, image), config))
    }

    fn reach(&self, session: &Unconnected, access: Access) -> Result<Box<dyn Repository + Send>, Failure> {
        let doing = if access == Access::Push { "pushing" } else { "publishing" };
        warn_of_helper(session, &self.credentials, doing);
        let repository =
            self.registries.open(&self.reference, (&self.credentials, access), Arc::new(session.clone()))?;
        repository.has_blob(SOME_BLOB)?;
        Ok(repository)
    }

    fn publisher(&self, repository: Box<dyn Repository + Send>, base: Base) -> Publisher {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let (reference, records) = (self.reference.clone(), self.records.clone());
        Publisher { reference, repository, base, records, cores }
    }

    fn base_in_registry(
        &self,
        session: &Unconnected,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Base, Failure> {
        let credentials = if reference.registry() == self.reference.registry() {
            self.credentials.clone()
        } else {
            self.registries.reader(reference)?
        };
        warn_of_helper(session, &credentials, "reading the root file system");
        let repository = self.registries.open(reference, (&credentials, Access::Read), Arc::new(session.clone()))?;
        Ok(Base::in_registry(reference, repository, platform)?)
    }
}

impl Publisher {
    /// Brings the app's image that `reference` names in its registry onto the base, without a layer that the target has. Nobody sees the
    /// result yet.
    ///
    /// # Errors
    /// It is no app's image of ours, or should not stand there.
    pub(crate) fn rebase(
        &self,
        session: &Unconnected,
        (publishing, reference): (&Publishing, &Reference),
        options: &RebaseOptions<'_>,
    ) -> Result<Unnamed, Failure> {
        let began = Instant::now();
        let app = publishing.base_in_registry(session, reference, &self.base.image().details.platform)?;
        if let Some(foreign) = app.foreign() {
            let text = format!("{reference} is not an image that stager made: {foreign}");
            let advice = "`host-cli image --publish` or `restage --publish` makes one";
            return Err(Failure::new(ExitCode::Image, text, advice));
        }
        let base = || self.base.image().clone();
        let rebasing = rebase(app.image(), None, base(), options)?;
        let (plan, warning) = if let Some(Rebasing { plan, warning, .. }) = rebasing {
            (plan, warning)
        } else {
            let text = format!("The image stands on {} already", escape_control(options.base));
            session.emit(Event::Note { text });
            let lost = || RebaseError::Layers { image: reference.name().to_owned() };
            (RebasePlan::new(app.image(), base(), options.base).ok_or_else(lost)?, None)
        };
        if let Some(text) = warning {
            session.emit(Event::Warning { text });
        }
        session.cleanup().send(|stop| {
            let destination = self.destination();
            destination.rebase(&app, &plan, stop, session)?;
            let publication = published(destination)?;
            Ok(Unnamed { droplet: String::new(), publication, began })
        })
    }

    /// Brings the base itself there, with its own config. Nobody sees it yet.
    pub(crate) fn whole(&self, session: &Unconnected, config: &EngineConfig) -> Result<Unnamed, Failure> {
        let began = Instant::now();
        session.cleanup().send(|stop| {
            let destination = self.destination();
            destination.whole(config, stop, session)?;
            let publication = published(destination)?;
            Ok(Unnamed { droplet: String::new(), publication, began })
        })
    }

    fn destination(&self) -> RegistryDestination<'_> {
        let repository: &dyn Repository = &*self.repository;
        RegistryDestination::new((repository, &self.reference), &self.base, &self.records, self.cores)
    }

    /// What the base is called, wherever it is; as it was typed where that differs from machine to machine.
    pub(crate) fn base_name<'a>(&'a self, typed: &'a str) -> &'a str {
        self.base.name().unwrap_or(typed)
    }

    /// Makes the layers and sends what the registry lacks of them. Nobody sees the image yet.
    pub(crate) fn send(
        &self,
        session: &Unconnected,
        plan: &ImagePlan,
        parts: impl FnOnce() -> Result<ImageParts, Failure>,
    ) -> Result<Unnamed, Failure> {
        let began = Instant::now();
        // Out of a container they are copied to their end.
        let parts = session.cleanup().write(|_| parts())?;
        session.cleanup().send(|stop| {
            let destination = self.destination();
            let made = ImageMaker { destination: &destination, stop, events: session }.make(plan, parts)?;
            let publication = published(destination)?;
            Ok(Unnamed { droplet: made.droplet, publication, began })
        })
    }

    /// Gives the image its name, says so, and gives what was said.
    pub(crate) fn tag(&self, session: &Unconnected, image: &Unnamed) -> Result<Event, Failure> {
        let Unnamed { publication, began, .. } = image;
        session.cleanup().write(|_| Ok(publication.tag(&*self.repository, &self.reference)?))?;
        let pushed = Event::Pushed {
            reference: self.reference.name().to_owned(),
            digest: publication.digest().to_owned(),
            bytes: publication.bytes,
            layers_pushed: publication.sent,
            layers_existing: publication.known,
            ms: millis(*began),
        };
        session.emit(pushed.clone());
        Ok(pushed)
    }
}

/// Says that nobody could ask who is known to the registry.
pub(super) fn warn_of_helper(events: &dyn EventSink, credentials: &Credentials, doing: &str) {
    if let Some(missing) = &credentials.missing_helper {
        let who = if credentials.is_anonymous() { "anonymous" } else { credentials.origin.as_str() };
        events.emit(Event::Warning { text: format!("{missing}; {doing} as {who}") });
    }
}

/// What a destination has brought there.
fn published(destination: RegistryDestination<'_>) -> Result<Publication, Failure> {
    let lost = || Failure::new(ExitCode::Bug, "the published image was lost", "please report this");
    destination.publication().ok_or_else(lost)
}
