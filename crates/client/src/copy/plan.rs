//! What is to be done so that one tree becomes like another? Looked at first, decided purely, written down as data.

use types::{Attr, Error, Kind, Reason, Time, VPath};

use super::tree::{Links, Tree};

/// When is a file taken for the same?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Same {
    /// When sizes are equal and times differ by no more than two seconds; where a time is not known, never.
    #[default]
    SizeAndTime,
    /// When sizes are equal.
    Size,
    /// When the target is not older than the source, and of equal size.
    NotOlder,
    /// Whatever stands there: it stays.
    Exists,
    /// Never.
    Never,
}

/// How a plan is made.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// When nothing needs to be done.
    pub same: Same,
    /// Whether what only the target has is removed.
    pub delete: bool,
    /// How many entries may be removed; more, and there is no plan.
    pub delete_at_most: Option<usize>,
    /// Whether only files that are newer than the target's replace them.
    pub newer_only: bool,
}

/// What was seen of a file when a plan was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// How large it was.
    pub size: u64,
    /// When it last changed, where that is known.
    pub modified: Option<Time>,
}

impl Seen {
    /// What is to be seen of it.
    pub const fn of(attr: &Attr) -> Self {
        Self { size: attr.size, modified: attr.modified }
    }
}

/// One thing to do. Paths are below both roots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Make a folder.
    MakeDir(VPath),
    /// Copy a file.
    Copy {
        /// Which.
        path: VPath,
        /// Its place in the target, where that is another.
        to: Option<VPath>,
        /// What it was when it was looked at.
        seen: Seen,
        /// What stands there that it replaces.
        replaces: Option<Seen>,
    },
    /// Make a link.
    Link {
        /// Which.
        path: VPath,
        /// Its place in the target, where that is another.
        to: Option<VPath>,
        /// Where it leads, as it was written.
        target: Box<[u8]>,
        /// The link that it replaces.
        replaces: Option<Seen>,
    },
    /// Remove a file or a link.
    Remove(VPath, Seen),
    /// Remove a folder, which is empty by then.
    RemoveDir(VPath),
}

impl Step {
    /// What it is about: of a copy, the source's path.
    pub const fn path(&self) -> &VPath {
        match self {
            Self::MakeDir(path)
            | Self::Remove(path, _)
            | Self::RemoveDir(path)
            | Self::Copy { path, .. }
            | Self::Link { path, .. } => path,
        }
    }

    /// The place in the target that it changes.
    pub const fn place(&self) -> &VPath {
        match self {
            Self::Copy { to: Some(to), .. } | Self::Link { to: Some(to), .. } => to,
            _ => self.path(),
        }
    }
}

/// All that is to be done, in order: folders, files, links, then what is removed, the deepest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// How many files are the same already.
    pub same: usize,
    /// What becomes of links.
    pub links: Links,
    /// How many links were left out for being links.
    pub links_left_out: usize,
    /// Why nothing is removed although that was wished.
    pub keeps: Option<Box<str>>,
    /// Folders of either tree that could not be looked at wholly, and why: what is in them may be left out or copied again.
    pub unsure: Vec<(VPath, Error)>,
}

impl Plan {
    /// Compares two trees.
    ///
    /// # Errors
    /// [`Reason::TooMuchToRemove`]; [`Reason::Exists`] where a file stands in the way of a folder or the other way round.
    pub fn make(source: &Tree, target: &Tree, wishes: &Wishes) -> Result<Self, Error> {
        let mut plan = Self {
            unsure: [&*source.unsure, &*target.unsure].concat(),
            links: source.links,
            links_left_out: source.links_left_out,
            ..Self::default()
        };
        let (mut folders, mut files, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for (path, attr) in &source.entries {
            let there = target.entries.get(path);
            if let Some(there) = there.filter(|there| there.kind != attr.kind) {
                return Err(Error::with(Reason::Exists, format!("{path} is {} there and not here", kind(there.kind))));
            }
            let (path, to, replaces) = (path.clone(), None, there.map(Seen::of));
            match (attr.kind, source.targets.get(&path)) {
                (Kind::Dir, _) if there.is_some() => {}
                (Kind::Dir, _) => folders.push(Step::MakeDir(path)),
                (Kind::Link, leads) if there.is_some() && leads == target.targets.get(&path) => plan.same += 1,
                (Kind::Link, Some(leads)) => links.push(Step::Link { path, to, target: leads.clone(), replaces }),
                _ if is_same(attr, there, wishes) => plan.same += usize::from(there.is_some()),
                _ => files.push(Step::Copy { path, to, seen: Seen::of(attr), replaces }),
            }
        }
        plan.steps = folders;
        plan.steps.append(&mut files);
        plan.steps.append(&mut links);
        if wishes.delete {
            plan.remove(source, target, wishes)?;
        }
        Ok(plan)
    }

    fn remove(&mut self, source: &Tree, target: &Tree, wishes: &Wishes) -> Result<(), Error> {
        // What was not seen may be there: nothing is removed on the word of a listing that is not whole.
        if let Some((path, why)) = self.unsure.first() {
            self.keeps = Some(format!("{path} could not be looked at wholly: {why}").into());
            return Ok(());
        }
        let mut steps = Vec::new();
        // Backwards, what lies in a folder comes before the folder.
        for (path, attr) in target.entries.iter().rev().filter(|(path, _)| !source.entries.contains_key(*path)) {
            if source.left_out.iter().any(|out| path.is_below(out)) || target.left_out.iter().any(|out| out.is_below(path)) {
                continue;
            }
            steps.push(if attr.is_dir() { Step::RemoveDir(path.clone()) } else { Step::Remove(path.clone(), Seen::of(attr)) });
        }
        if let Some(most) = wishes.delete_at_most.filter(|&most| steps.len() > most) {
            return Err(Error::with(Reason::TooMuchToRemove, format!("{} entries, and {most} may be", steps.len())));
        }
        self.steps.append(&mut steps);
        Ok(())
    }

    /// How many bytes it copies.
    pub fn bytes(&self) -> u64 {
        // Sizes are what a server says; nobody's files are this large.
        let sizes = self.steps.iter().map(|step| if let Step::Copy { seen, .. } = step { seen.size } else { 0 });
        sizes.fold(0, u64::saturating_add)
    }
}

/// What stands there, for people.
const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Dir => "a folder",
        Kind::Link => "a link",
        Kind::File | Kind::Other => "a file",
    }
}

fn is_same(source: &Attr, target: Option<&Attr>, wishes: &Wishes) -> bool {
    let Some(target) = target else { return false };
    if wishes.newer_only && matches!((source.modified, target.modified), (Some(s), Some(t)) if s.seconds <= t.seconds) {
        return true;
    }
    let sizes = source.size == target.size;
    let times = source.modified.zip(target.modified);
    match wishes.same {
        Same::SizeAndTime => sizes && times.is_some_and(|(s, t)| s.seconds.abs_diff(t.seconds) <= 2),
        Same::Size => sizes,
        Same::NotOlder => sizes && times.is_some_and(|(s, t)| t.seconds >= s.seconds),
        Same::Exists => true,
        Same::Never => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::copy) fn tree(entries: &[(&str, u64, i64)]) -> Tree {
        let entry = |&(path, size, seconds): &(&str, u64, i64)| {
            let kind = if path.ends_with('/') { Kind::Dir } else { Kind::File };
            let attr = Attr { modified: Some(Time::from_seconds(seconds)), ..Attr::new(kind, size) };
            (at(path), attr)
        };
        Tree { entries: entries.iter().map(entry).collect(), ..Tree::default() }
    }

    pub(in crate::copy) fn at(path: &str) -> VPath {
        VPath::parse(path.as_bytes()).unwrap()
    }

    fn copies(source: &[(&str, u64, i64)], target: &[(&str, u64, i64)], wishes: &Wishes) -> usize {
        Plan::make(&tree(source), &tree(target), wishes).unwrap().steps.len()
    }

    #[test]
    fn what_is_the_same_is_left_alone() {
        let with = |same| Wishes { same, ..Wishes::default() };
        let here = [("/f", 5, 1000)];
        for (there, same, expected) in [
            ((5, 1002), Same::SizeAndTime, 0),
            ((5, 1003), Same::SizeAndTime, 1),
            ((6, 1000), Same::SizeAndTime, 1),
            ((5, 9), Same::Size, 0),
            ((6, 1000), Same::Size, 1),
            ((5, 2000), Same::NotOlder, 0),
            ((5, 999), Same::NotOlder, 1),
            ((9, 9), Same::Exists, 0),
            ((5, 1000), Same::Never, 1),
        ] {
            assert_eq!(copies(&here, &[("/f", there.0, there.1)], &with(same)), expected, "{there:?} {same:?}");
            assert_eq!(copies(&here, &[], &with(same)), 1);
        }
        let newer = Wishes { newer_only: true, ..Wishes::default() };
        assert_eq!((copies(&here, &[("/f", 9, 1001)], &newer), copies(&here, &[("/f", 9, 999)], &newer)), (0, 1));
    }

    #[test]
    fn a_time_that_is_not_known_is_not_the_same() {
        let mut there = tree(&[("/f", 5, 0)]);
        there.entries.get_mut(&at("/f")).unwrap().modified = None;
        assert_eq!(Plan::make(&tree(&[("/f", 5, 0)]), &there, &Wishes::default()).unwrap().steps.len(), 1);
    }

    #[test]
    fn steps_come_in_an_order_that_works() {
        let source = tree(&[("/b/", 0, 0), ("/b/c/", 0, 0), ("/b/c/f", 1, 0), ("/a", 2, 0)]);
        let target = tree(&[("/a", 9, 0), ("/x/", 0, 0), ("/x/y/", 0, 0), ("/x/y/z", 1, 0)]);
        let plan = Plan::make(&source, &target, &Wishes { delete: true, ..Wishes::default() }).unwrap();
        let seen = |size| Seen { size, modified: Some(Time::from_seconds(0)) };
        let copy = |path: &str, size, replaces: Option<u64>| Step::Copy {
            path: at(path),
            to: None,
            seen: seen(size),
            replaces: replaces.map(seen),
        };
        let expected = [
            Step::MakeDir(at("/b")),
            Step::MakeDir(at("/b/c")),
            copy("/a", 2, Some(9)),
            copy("/b/c/f", 1, None),
            Step::Remove(at("/x/y/z"), seen(1)),
            Step::RemoveDir(at("/x/y")),
            Step::RemoveDir(at("/x")),
        ];
        assert_eq!((plan.steps.as_slice(), plan.bytes()), (expected.as_slice(), 3));
    }

    #[test]
    fn links_are_made_where_they_lead_elsewhere() {
        let linked = |links: &[(&str, &str)]| {
            let mut tree = Tree { links: Links::Keep, ..tree(&[("/f", 1, 0)]) };
            for (path, target) in links {
                tree.entries.insert(at(path), Attr::new(Kind::Link, 0));
                tree.targets.insert(at(path), target.as_bytes().into());
            }
            tree
        };
        let source = linked(&[("/same", "f"), ("/new", "f"), ("/other", "f")]);
        let target = linked(&[("/same", "f"), ("/other", "g"), ("/old", "f")]);
        let plan = Plan::make(&source, &target, &Wishes { delete: true, ..Wishes::default() }).unwrap();
        let seen = Seen { size: 0, modified: None };
        let link = |path, replaces| Step::Link { path: at(path), to: None, target: (*b"f").into(), replaces };
        assert_eq!(plan.steps, [link("/new", None), link("/other", Some(seen)), Step::Remove(at("/old"), seen)]);
        assert_eq!((plan.same, plan.links), (2, Links::Keep));
        let in_the_way = Plan::make(&source, &tree(&[("/new", 1, 0)]), &Wishes::default()).unwrap_err();
        assert_eq!(in_the_way.reason, Reason::Exists);
    }

    #[test]
    fn removing_has_a_limit_and_needs_to_be_sure() {
        let (mut source, mut target) = (tree(&[]), tree(&[("/a", 1, 0), ("/b/", 0, 0), ("/b/c", 1, 0)]));
        let wishes = Wishes { delete: true, delete_at_most: Some(2), ..Wishes::default() };
        assert_eq!(Plan::make(&source, &target, &wishes).unwrap_err().reason, Reason::TooMuchToRemove);
        let wishes = Wishes { delete_at_most: Some(3), ..wishes };
        assert_eq!(Plan::make(&source, &target, &wishes).unwrap().steps.len(), 3);
        // A folder with something in it that is not meant stays, and so does what is left out here.
        target.left_out.push(at("/b/left"));
        source.left_out.push(at("/a"));
        assert_eq!(
            Plan::make(&source, &target, &wishes).unwrap().steps,
            [Step::Remove(at("/b/c"), Seen { size: 1, modified: Some(Time::from_seconds(0)) })]
        );
        source.unsure.push((at("/b"), Error::new(Reason::ListingUnsure)));
        let plan = Plan::make(&source, &target, &wishes).unwrap();
        assert!(plan.steps.is_empty() && plan.keeps.unwrap().contains("/b") && plan.unsure.len() == 1);
    }

    #[test]
    fn a_folder_does_not_replace_a_file() {
        for (here, there) in [("/a/", "/a"), ("/a", "/a/")] {
            let plan = Plan::make(&tree(&[(here, 0, 0)]), &tree(&[(there, 0, 0)]), &Wishes::default());
            assert_eq!(plan.unwrap_err().reason, Reason::Exists);
        }
    }
}
