//! Which of the things asked by name may run now? All that have nothing to do with one that came before; the others wait,
//! so that the outcome is as if one ran after the other (draft-ietf-secsh-filexfer-02 §6.1).

use types::{AskId, Op, VPath};

/// How many named things may be asked and not answered. More wait in the channel.
pub(super) const MOST: usize = 64;

/// What a named thing has to do with its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Touch {
    /// It looks at what stands there: changes there and above matter.
    Look,
    /// It looks at what stands below, too.
    List,
    /// It changes what stands there, and with it what can be reached below.
    Change,
}

/// One named thing, from its coming to its end.
#[derive(Debug)]
pub(super) struct Claim {
    /// What answers come for.
    pub(super) id: AskId,
    touch: Touch,
    path: VPath,
    /// The other name of a renaming.
    other: Option<VPath>,
    /// What is to be done when it may run; nothing when it runs.
    start: Option<Start>,
}

/// What a claim begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// The gate is asked.
    Ask(Op),
    /// The handle in this slot is closed, once nothing is under way on it.
    Close(u32),
}

impl Claim {
    pub(super) fn ask(id: AskId, op: Op) -> Self {
        let touch = match &op {
            Op::Stat { .. } | Op::ReadLink { .. } | Op::Space { .. } => Touch::Look,
            Op::Open { how, .. } if !how.write => Touch::Look,
            Op::List { .. } => Touch::List,
            _ => Touch::Change,
        };
        let other = match &op {
            Op::Rename { to, .. } | Op::HardLink { to, .. } => Some(to.clone()),
            _ => None,
        };
        let path = op.path().cloned().unwrap_or_else(VPath::root);
        Self { id, touch, path, other, start: Some(Start::Ask(op)) }
    }

    /// Closing what was written may publish it.
    pub(super) fn close(id: AskId, slot: u32, path: VPath, written: bool) -> Self {
        let touch = if written { Touch::Change } else { Touch::Look };
        Self { id, touch, path, other: None, start: Some(Start::Close(slot)) }
    }

    fn paths(&self) -> impl Iterator<Item = &VPath> {
        std::iter::once(&self.path).chain(&self.other)
    }

    fn meets(&self, other: &Self) -> bool {
        let any = |test: fn(&VPath, &VPath) -> bool| self.paths().any(|a| other.paths().any(|b| test(a, b)));
        match (self.touch, other.touch) {
            (Touch::Look | Touch::List, Touch::Look | Touch::List) => false,
            (Touch::Look, Touch::Change) => any(|look, change| look.is_below(change)),
            (Touch::Change, Touch::Look) => any(|change, look| look.is_below(change)),
            (Touch::List | Touch::Change, _) => any(|a, b| a.is_below(b) || b.is_below(a)),
        }
    }
}

/// All that run or wait, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    pub(super) fn push(&mut self, claim: Claim) {
        self.0.push(claim);
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// One is over.
    pub(super) fn end(&mut self, id: AskId) {
        self.0.retain(|claim| claim.id != id);
    }

    /// The next that may run, if `idle` says of the slots of handles to close that nothing is under way on them.
    pub(super) fn next(&mut self, idle: impl Fn(u32) -> bool) -> Option<(AskId, Start)> {
        let ready = |(place, claim): &(usize, &Claim)| {
            let free = match claim.start {
                None => false,
                Some(Start::Ask(_)) => true,
                Some(Start::Close(slot)) => idle(slot),
            };
            free && !self.0.iter().take(*place).any(|before| before.meets(claim))
        };
        let place = self.0.iter().enumerate().find(ready)?.0;
        let claim = self.0.get_mut(place)?;
        Some((claim.id, claim.start.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::OpenHow;

    fn path(text: &str) -> VPath {
        VPath::parse(text.as_bytes()).unwrap()
    }

    /// Which of these run at once, by their numbers, when all come together and each is over after a while.
    fn waves(ops: &[Op]) -> Vec<Vec<u32>> {
        let mut claims = Claims::default();
        for (n, op) in ops.iter().enumerate() {
            claims.push(Claim::ask(AskId(n as u32), op.clone()));
        }
        let mut waves = Vec::new();
        loop {
            let wave: Vec<u32> = std::iter::from_fn(|| claims.next(|_| true)).map(|(id, _)| id.0).collect();
            if wave.is_empty() {
                return waves;
            }
            wave.iter().for_each(|&n| claims.end(AskId(n)));
            waves.push(wave);
        }
    }

    #[test]
    fn only_what_meets_waits() {
        let stat = |p| Op::Stat { path: path(p), follow: true };
        let make = |p| Op::MakeDir { path: path(p), mode: None };
        let list = |p| Op::List { path: path(p) };
        let new = |p| Op::Open { path: path(p), how: OpenHow { write: true, create: true, ..OpenHow::default() } };
        let read = |p| Op::Open { path: path(p), how: OpenHow { read: true, ..OpenHow::default() } };
        let rename = |from, to| Op::Rename { from: path(from), to: path(to), replace: true };
        assert_eq!(waves(&[stat("/a"), stat("/a"), list("/")]), [[0, 1, 2]]);
        assert_eq!(waves(&[make("/a"), new("/a/f"), new("/a/g"), stat("/b")]), [vec![0, 3], vec![1, 2]]);
        assert_eq!(waves(&[new("/a/f"), stat("/a"), list("/a")]), [vec![0, 1], vec![2]]);
        assert_eq!(waves(&[rename("/a", "/b"), read("/b/f"), new("/a"), stat("/ab")]), [vec![0, 3], vec![1, 2]]);
        assert_eq!(waves(&[new("/f"), rename("/f", "/g"), read("/g")]), [[0], [1], [2]]);
    }

    #[test]
    fn a_close_waits_for_its_handle_and_others_for_it() {
        let mut claims = Claims::default();
        claims.push(Claim::close(AskId(1), 7, path("/f"), true));
        claims.push(Claim::ask(AskId(2), Op::Stat { path: path("/f"), follow: true }));
        assert_eq!(claims.next(|_| false), None);
        assert_eq!(claims.next(|slot| slot == 7), Some((AskId(1), Start::Close(7))));
        assert_eq!(claims.next(|_| true), None);
        claims.end(AskId(1));
        assert!(matches!(claims.next(|_| true), Some((AskId(2), Start::Ask(_)))));
    }
}
