//! Is a plan still true? Only where each of its steps finds what it was made for.

use std::collections::BTreeSet;

use types::{Attr, Error, Reason, VPath};

use super::plan::{Plan, Seen, Step};
use super::tree::Tree;

impl Plan {
    /// Whether both trees still are what the plan was made for, as far as its steps are concerned.
    ///
    /// # Errors
    /// [`Reason::PlanOutdated`], with what has changed.
    pub fn still_holds(&self, source: &Tree, target: &Tree) -> Result<(), Error> {
        let removed: BTreeSet<_> =
            self.steps.iter().filter(|step| matches!(step, Step::Remove(..) | Step::RemoveDir(_))).map(Step::place).collect();
        for step in &self.steps {
            let (path, there) = (step.place(), target.entries.get(step.place()));
            match step {
                Step::MakeDir(_) => is_absent(path, there, target)?,
                Step::Copy { path: from, seen, replaces, .. } => {
                    is_file(from, source.entries.get(from), *seen, "the source")?;
                    match replaces {
                        Some(was) => is_file(path, there, *was, "the target")?,
                        None => is_absent(path, there, target)?,
                    }
                }
                Step::Link { path: from, target: leads, replaces, .. } => {
                    if source.targets.get(from) != Some(leads) {
                        return changed(from, "leads elsewhere in the source by now, or is no link");
                    }
                    match replaces {
                        Some(was) => is_file(path, there, *was, "the target")?,
                        None => is_absent(path, there, target)?,
                    }
                }
                Step::Remove(_, was) => is_file(path, there, *was, "the target")?,
                Step::RemoveDir(_) => {
                    if !there.is_some_and(Attr::is_dir) {
                        return changed(path, "is no folder in the target any more");
                    }
                    let stays = |other: &&VPath| *other != path && other.is_below(path) && !removed.contains(*other);
                    // Sorted, what is in a folder follows it, if with others between.
                    let within = target.entries.range(path.clone()..).map(|(other, _)| other);
                    let begins = path.as_bytes();
                    if let Some(new) = within.take_while(|other| other.as_bytes().starts_with(begins)).find(stays) {
                        return changed(new, "has come into a folder that is to be removed");
                    }
                }
            }
        }
        Ok(())
    }
}

fn changed(path: &VPath, what: &str) -> Result<(), Error> {
    Err(Error::with(Reason::PlanOutdated, format!("{path} {what}")))
}

fn is_absent(path: &VPath, there: Option<&Attr>, target: &Tree) -> Result<(), Error> {
    if there.is_some() || target.left_out.contains(path) {
        return changed(path, "stands in the target by now");
    }
    Ok(())
}

fn is_file(path: &VPath, there: Option<&Attr>, was: Seen, side: &str) -> Result<(), Error> {
    match there {
        Some(attr) if attr.is_dir() => changed(path, &format!("is a folder in {side} by now")),
        Some(attr) if Seen::of(attr) == was => Ok(()),
        Some(_) => changed(path, &format!("has changed in {side}")),
        None => changed(path, &format!("is gone from {side}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Wishes;
    use super::super::plan::tests::{at, tree};
    use super::*;

    const SOURCE: &[(&str, u64, i64)] = &[("/b/", 0, 0), ("/b/f", 1, 5), ("/a", 2, 5)];
    const TARGET: &[(&str, u64, i64)] = &[("/a", 9, 1), ("/x/", 0, 0), ("/x/y", 1, 7)];

    #[test]
    fn a_plan_holds_while_nothing_it_speaks_of_changes() {
        let wishes = Wishes { delete: true, ..Wishes::default() };
        let plan = Plan::make(&tree(SOURCE), &tree(TARGET), &wishes).unwrap();
        let check = |source: &[_], target: &[_]| plan.still_holds(&tree(source), &tree(target));
        check(SOURCE, TARGET).unwrap();
        check(&[SOURCE, &[("/new", 1, 1)]].concat(), &[TARGET, &[("/other", 1, 1)]].concat()).unwrap();
        for (source, target, what) in [
            (&[("/b/", 0, 0), ("/b/f", 1, 5)][..], TARGET, "/a is gone from the source"),
            (&[("/b/", 0, 0), ("/b/f", 1, 6), ("/a", 2, 5)], TARGET, "/b/f has changed in the source"),
            (&[("/b/", 0, 0), ("/b/f/", 1, 5), ("/a", 2, 5)], TARGET, "/b/f is a folder in the source by now"),
            (SOURCE, &[("/a", 8, 1), ("/x/", 0, 0), ("/x/y", 1, 7)], "/a has changed in the target"),
            (SOURCE, &[("/x/", 0, 0), ("/x/y", 1, 7)], "/a is gone from the target"),
            (SOURCE, &[("/a", 9, 1), ("/x/", 0, 0), ("/x/y", 1, 8)], "/x/y has changed in the target"),
            (SOURCE, &[("/a", 9, 1), ("/x", 0, 0)], "/x/y is gone from the target"),
            (SOURCE, &[TARGET, &[("/b/", 0, 0)]].concat(), "/b stands in the target by now"),
            (SOURCE, &[TARGET, &[("/b/f", 1, 5)]].concat(), "/b/f stands in the target by now"),
            (SOURCE, &[TARGET, &[("/x/z", 1, 5)]].concat(), "/x/z has come into a folder that is to be removed"),
            (SOURCE, &[TARGET, &[("/x.more", 1, 5), ("/x/z", 1, 5)]].concat(), "/x/z has come into a folder"),
        ] {
            let e = check(source, target).unwrap_err();
            assert!(e.reason == Reason::PlanOutdated && e.detail.as_deref().unwrap().starts_with(what), "{what}: {e}");
        }
        let mut hidden = tree(TARGET);
        hidden.left_out.push(at("/b"));
        assert!(plan.still_holds(&tree(SOURCE), &hidden).is_err());
    }
}
