//! How far a request has come, told from below to who must judge its failure.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::error::Phase;

const PHASES: [Phase; 4] =
    [Phase::Resolving, Phase::Connecting, Phase::Handshaking, Phase::Connected];

/// How far the last request has come. One on a kept connection is [`Phase::Connected`] at once.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicUsize,
    dialled: AtomicBool,
    answered: AtomicBool,
}

impl Progress {
    /// Before a request: nothing has happened yet.
    pub fn start(&self) {
        self.enter(Phase::Connected);
        self.dialled.store(false, Relaxed);
        self.answered.store(false, Relaxed);
    }

    /// A new connection is needed.
    pub fn dial(&self) {
        self.dialled.store(true, Relaxed);
        self.enter(Phase::Resolving);
    }

    /// The next step begins.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as usize, Relaxed);
    }

    /// The first bytes of an answer have come, or more of them.
    pub fn answer(&self) {
        self.answered.store(true, Relaxed);
    }

    /// The step that the request is at.
    pub fn phase(&self) -> Phase {
        PHASES[self.phase.load(Relaxed)]
    }

    /// Whether the request was sent on a kept connection and nothing came back: then the server
    /// may have ended that connection before it saw the request.
    pub fn was_unheard(&self) -> bool {
        !self.dialled.load(Relaxed) && !self.answered.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_on_a_kept_connection_without_answer_was_unheard() {
        let progress = Progress::default();
        progress.start();
        assert_eq!((progress.phase(), progress.was_unheard()), (Phase::Connected, true));
        progress.answer();
        assert!(!progress.was_unheard());
        progress.start();
        assert!(progress.was_unheard());
        progress.dial();
        assert_eq!((progress.phase(), progress.was_unheard()), (Phase::Resolving, false));
        for phase in PHASES {
            progress.enter(phase);
            assert_eq!((progress.phase(), progress.was_unheard()), (phase, false));
        }
    }
}
