//! What is published and not withdrawn, newest versions only, in memory.

use super::Describer;
use super::entries::{CatalogueError, Entry, entry};
use super::filter::Facets;
use super::sparql::Sparql;
use crate::dsp::catalog::{Resource, ResourceKind};
use crate::state::{ModelEntry, State, StateError, VersionEntry};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard, Semaphore};

/// Pages made at a time for participants, and as many for strangers: none of them waits for the others. Each may use a processor.
pub(super) const AT_A_TIME: usize = 2;

/// One dataset or model service as it is listed.
pub(super) struct Listed {
    /// Identifier.
    pub(super) id: String,
    /// Where the version that is offered lies in the state.
    key: String,
    kind: ResourceKind,
    /// Whether its description is for everybody.
    pub(super) is_public: bool,
    /// What it is found by.
    pub(super) facets: Facets,
    /// Its JSON, once somebody has seen it: those who page through a catalogue see the same pages.
    json: OnceLock<Arc<str>>,
}

/// What is known under one identifier.
#[derive(Default, Clone)]
struct Known {
    /// The version that is offered.
    listed: Option<Arc<Listed>>,
    /// Identifiers of the offers of all versions that are not withdrawn: when a newer one is withdrawn, older ones are offered again.
    offers: Vec<String>,
}

/// Everything that is published.
#[derive(Default, Clone)]
pub(super) struct Contents {
    known: BTreeMap<String, Known>,
    /// For what each offer is.
    offers: HashMap<String, String>,
}

/// The right to change what is published: one at a time, from the look at what is there until the change is durable and in the index.
pub struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

/// The index as it is at one moment: whoever looks through it keeps nobody from changing it.
pub(super) struct Snapshot {
    pub(super) describer: Arc<Describer>,
    state: State,
    pub(super) contents: Arc<Contents>,
}

/// The index.
pub struct Index {
    describer: Arc<Describer>,
    state: State,
    /// Replaced by a copy when somebody looks through it while it changes.
    contents: OnceCell<RwLock<Arc<Contents>>>,
    turn: Arc<Mutex<()>>,
    /// Pages being made for participants.
    pages: Arc<Semaphore>,
    /// Pages being made for everybody.
    pub(super) public_pages: Arc<Semaphore>,
    /// Queries over the same.
    pub sparql: Sparql,
}

impl Index {
    /// An index over what lies in `state`, not filled yet.
    #[must_use]
    pub fn new(describer: Describer, state: State) -> Self {
        Self {
            sparql: Sparql::default(),
            describer: Arc::new(describer),
            state,
            contents: OnceCell::new(),
            turn: Arc::default(),
            pages: Arc::new(Semaphore::new(AT_A_TIME)),
            public_pages: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// With what descriptions are made.
    #[must_use]
    pub fn describer(&self) -> &Describer {
        &self.describer
    }

    /// Waits until it is one's turn to change what is published.
    pub async fn turn(&self) -> Turn {
        Turn(self.turn.clone().lock_owned().await)
    }

    /// Fills the index, unless it is filled already.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn fill(&self) -> Result<(), CatalogueError> {
        self.filled().await.map(drop)
    }

    async fn filled(&self) -> Result<&RwLock<Arc<Contents>>, CatalogueError> {
        let fill = || async {
            let (state, describer) = (self.state.clone(), self.describer.clone());
            // 10,000 entries take a tenth of a second, which is not to be waited for by others on this thread.
            let read = tokio::task::spawn_blocking(move || Contents::read(&state, &describer));
            let contents = read.await.map_err(|e| entry(&e))??;
            Ok(RwLock::new(Arc::new(contents)))
        };
        self.contents.get_or_try_init(fill).await
    }

    /// What is in it.
    pub(super) async fn contents(&self) -> Result<Arc<Contents>, CatalogueError> {
        let contents = self.filled().await?;
        // Only a panic poisons a lock, and what it left is made anew from the state by the next change.
        Ok(contents.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Does `work` with what is in it, on a thread where nobody waits behind it: the look at 10,000 entries takes milliseconds.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        is_public: bool,
        work: impl FnOnce(&Snapshot) -> Result<T, CatalogueError> + Send + 'static,
    ) -> Result<T, CatalogueError> {
        let pages = if is_public { &self.public_pages } else { &self.pages };
        let permit = pages.clone().acquire_owned().await.map_err(|e| entry(&e))?;
        let snapshot = Snapshot {
            describer: self.describer.clone(),
            state: self.state.clone(),
            contents: self.contents().await?,
        };
        let working = tokio::task::spawn_blocking(move || {
            // Given back when the work ends, also when nobody waits for it any more.
            let _permit = permit;
            work(&snapshot)
        });
        working.await.map_err(|e| entry(&e))?
    }

    /// That `candidate` can be published: what would not fit in a catalogue is refused before it is recorded for ever.
    ///
    /// # Errors
    /// What would not fit: an offer with a target, an identifier that another dataset, model or offer has.
    pub async fn check(&self, candidate: &Entry, _turn: &Turn) -> Result<(), CatalogueError> {
        self.describer.resource(candidate)?;
        let contents = self.contents().await?;
        for offer in candidate.offers() {
            let other = contents.offers.get(&offer.id).filter(|other| *other != candidate.id());
            if let Some(other) = other {
                return Err(CatalogueError::Entry(format!(
                    "the offer identifier `{}` is that of an offer for `{other}`",
                    offer.id
                )));
            }
        }
        match contents.listed(candidate.id()) {
            Some(listed) if listed.kind != candidate.kind() => Err(CatalogueError::Entry(format!(
                "the identifier `{}` stands twice in the catalogue: each dataset and model service needs one of its own",
                candidate.id()
            ))),
            _ => Ok(()),
        }
    }

    /// Says that something about `id` has changed in the state; it is read anew from there. Called once the change is in the state.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn changed(&self, id: &str, _turn: &Turn) -> Result<(), CatalogueError> {
        self.sparql.changed(id);
        // A filling that has begun may have read what was there before: it is waited for, and put right.
        match self.filled().await {
            Ok(contents) => {
                let known = Known::of(versions(&self.state, id)?, &self.describer);
                let mut contents = contents.write().unwrap_or_else(PoisonError::into_inner);
                Arc::make_mut(&mut contents).put(id, known);
            }
            // Then nothing is in memory that could be out of date, and whoever fills it later reads this change. An entry that cannot be
            // read must keep nobody from withdrawing another one.
            Err(error) => tracing::error!(%error, id, "the catalogue could not be read into memory"),
        }
        Ok(())
    }

    /// Fills the index as [`fill`](Self::fill) does, and is held up between reading and remembering: tells `read`, and waits for `go_on`.
    #[cfg(test)]
    pub(super) async fn fill_held_up(
        &self,
        read: tokio::sync::oneshot::Sender<()>,
        go_on: tokio::sync::oneshot::Receiver<()>,
    ) {
        let fill = || async {
            let contents = Contents::read(&self.state, &self.describer).unwrap();
            read.send(()).unwrap();
            go_on.await.unwrap();
            Ok::<_, CatalogueError>(RwLock::new(Arc::new(contents)))
        };
        self.contents.get_or_try_init(fill).await.unwrap();
    }

    /// One published dataset or model, read from the state.
    ///
    /// # Errors
    /// When the state cannot be read, or the entry cannot stand in a catalogue.
    pub fn resource(&self, id: &str) -> Result<Option<Resource>, CatalogueError> {
        let newest = newest(versions(&self.state, id)?);
        newest.map(|entry| self.describer.resource(&entry)).transpose()
    }
}

impl Snapshot {
    /// The JSON of something listed; `None`, and an error in the log, if it cannot stand in a catalogue: the others must not vanish with
    /// it. (It was refused when it was published; an older build may have been less strict.)
    pub(super) fn json(&self, listed: &Listed) -> Result<Option<Arc<str>>, CatalogueError> {
        if let Some(json) = listed.json.get() {
            return Ok(Some(json.clone()));
        }
        let found = match listed.kind {
            ResourceKind::Dataset => self.state.get::<VersionEntry>(&listed.key)?.map(Entry::Dataset),
            ResourceKind::ModelService => self.state.get::<ModelEntry>(&listed.key)?.map(Entry::Model),
        };
        // What is withdrawn is shown to nobody, whatever the memory says.
        let offered = found.filter(|entry| !entry.is_withdrawn());
        let made = match offered.map(|entry| self.describer.resource(&entry)) {
            Some(Ok(resource)) => resource,
            Some(Err(CatalogueError::State(error))) => return Err(error.into()),
            Some(Err(error)) => {
                tracing::error!(%error, id = listed.id, "a published entry is left out of the catalogue");
                return Ok(None);
            }
            // The look at the index was before the withdrawal, or before the change of the index that follows it.
            None => return Ok(None),
        };
        let json: Arc<str> = made.to_member().to_string().into();
        Ok(Some(listed.json.get_or_init(|| json).clone()))
    }
}

/// All versions known under an identifier, also withdrawn ones.
fn versions(state: &State, id: &str) -> Result<Vec<Entry>, StateError> {
    let datasets = state.scan::<VersionEntry>(&format!("dataset/{id}/"))?;
    let models = state.scan::<ModelEntry>(&format!("model/{id}/"))?;
    let datasets = datasets.into_iter().map(|(_, v)| Entry::Dataset(v));
    let all = datasets.chain(models.into_iter().map(|(_, m)| Entry::Model(m)));
    // An identifier has no slash; should one that is asked for have, another's key could begin like it.
    Ok(all.filter(|entry| entry.id() == id).collect())
}

/// The version that is offered: the latest that is not withdrawn. Should a model have the identifier of a dataset, the dataset.
fn newest(versions: Vec<Entry>) -> Option<Entry> {
    let offered = versions.into_iter().filter(|entry| !entry.is_withdrawn());
    offered.max_by_key(|entry| (entry.kind() == ResourceKind::Dataset, entry.published_ms()))
}

impl Known {
    fn of(versions: Vec<Entry>, describer: &Describer) -> Self {
        let offered = versions.iter().filter(|entry| !entry.is_withdrawn());
        let offers = offered.flat_map(Entry::offers).map(|offer| offer.id.clone()).collect();
        let listed = newest(versions).map(|entry| {
            let facets = Facets::of(&entry, describer);
            Arc::new(Listed {
                id: entry.id().to_owned(),
                key: entry.key(),
                kind: entry.kind(),
                is_public: facets.is_public,
                facets,
                json: OnceLock::new(),
            })
        });
        Self { listed, offers }
    }
}

impl Contents {
    fn read(state: &State, describer: &Describer) -> Result<Self, StateError> {
        let mut by_id: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (_, v) in state.scan::<VersionEntry>("dataset/")? {
            by_id.entry(v.dataset.clone()).or_default().push(Entry::Dataset(v));
        }
        for (_, m) in state.scan::<ModelEntry>("model/")? {
            by_id.entry(m.model.clone()).or_default().push(Entry::Model(m));
        }
        let mut contents = Self::default();
        for (id, versions) in by_id {
            contents.put(&id, Known::of(versions, describer));
        }
        Ok(contents)
    }

    fn put(&mut self, id: &str, known: Known) {
        if let Some(old) = self.known.remove(id) {
            for offer in &old.offers {
                self.offers.remove(offer);
            }
        }
        for offer in &known.offers {
            self.offers.insert(offer.clone(), id.to_owned());
        }
        if known.listed.is_some() {
            self.known.insert(id.to_owned(), known);
        }
    }

    fn listed(&self, id: &str) -> Option<&Arc<Listed>> {
        self.known.get(id)?.listed.as_ref()
    }

    /// All that is listed, by identifier.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Listed>> {
        self.known.values().filter_map(|known| known.listed.as_ref())
    }

    /// The identifiers of all that is listed.
    pub(super) fn ids(&self) -> Vec<String> {
        self.all().map(|listed| listed.id.clone()).collect()
    }
}
