//! Who is dealt with, in tests: named, and not any more.

use super::*;
use crate::trust::withdraw;

impl Scene {
    /// From now on only those are dealt with who are named, and the consumer is.
    pub(super) async fn names_the_consumer(&mut self) {
        let mut trust = self.node.config.trust.clone();
        trust.peers = Some(Vec::new());
        let trust = crate::trust::TrustStore::open(&trust, self.node.state.clone()).unwrap();
        Arc::get_mut(&mut self.node).unwrap().trust = trust;
        self.names(&self.consumer).await;
    }

    pub(super) async fn names(&self, peer: &Did) {
        let added = self
            .node
            .trust
            .add(&self.node, List::Peers, peer.clone(), BTreeSet::new(), "A. de Wit");
        added.await.unwrap();
    }

    /// It is not trusted any more, and what is under way with it ends.
    pub(super) async fn distrusts(&self, peer: &Did) {
        let removed = self
            .node
            .trust
            .remove(&self.node, List::Peers, peer, "duty officer")
            .await
            .unwrap();
        let stopped = withdraw(&self.node, removed.pending.unwrap()).await;
        assert!(!stopped.left);
    }
}
