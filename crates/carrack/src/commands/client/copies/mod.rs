//! `carrack get`, `put` and `cp`: which files go where?

mod human;
mod mirror;
mod progress;
mod stdio;
mod summary;
mod wishes;
mod written;

use std::sync::Arc;

use client::copy::{Plan, Same, Seen, Side, Step, Tree};
use client::{Place, Remote};
use types::{Attr, Error, Reason, VPath};

use super::{AtInterrupt, Client, Opened, Stop, run};
use crate::bookmarks;
use crate::cli::Exit;
use crate::cli::copies::{CopyOptions, Cp, DeleteOptions, Get, Put};
pub(crate) use mirror::{apply, mirror, plan};
use summary::do_plan;

/// `carrack get`.
pub(crate) fn get(args: &Get) -> Exit {
    copy("get", &args.copies, async |client: &Client| {
        let (sources, target) = match args.places.split_last() {
            Some((last, sources)) if !sources.is_empty() && !is_url(last) => (sources, last.as_str()),
            _ => (&*args.places, "."),
        };
        if let Some(local) = sources.iter().find(|source| !is_url(source)) {
            return Err(usage(format!("{local} is no URL: get fetches from a server; cp copies from anywhere")).into());
        }
        if target == "-" {
            return client.each(sources, async |place| super::cat::pour(client, &place, 0, None).await).await;
        }
        copies(client, sources, target, &args.copies).await
    })
}

/// `carrack put`.
pub(crate) fn put(args: &Put) -> Exit {
    copy("put", &args.copies, async |client: &Client| {
        let Some((target, sources)) = args.places.split_last() else { return Ok(()) };
        if !is_url(target) {
            return Err(usage(format!("{target} is no URL: the last place is the server; cp copies to anywhere")).into());
        }
        if sources == ["-"] {
            return stdio::from_input(client, target, &args.copies).await;
        }
        copies(client, sources, target, &args.copies).await
    })
}

/// `carrack cp`.
pub(crate) fn cp(args: &Cp) -> Exit {
    copy("cp", &args.copies, async |client: &Client| match args.places.split_last() {
        Some((target, sources)) => copies(client, sources, target, &args.copies).await,
        None => Ok(()),
    })
}

fn copy(command: &'static str, options: &CopyOptions, work: impl AsyncFnOnce(&Client) -> Result<(), Stop>) -> Exit {
    run(command, &options.form.with(&options.options), AtInterrupt::Wait, async |client: &Client| {
        client.use_connections(wishes::connections(&options.how));
        work(client).await
    })
}

/// Whether a text names a server, by a URL or a bookmark. One that cannot be read is told when it is opened.
fn is_url(text: &str) -> bool {
    bookmarks::resolve(text, None).map_or(true, |resolved| matches!(resolved.place, Place::Remote(_)))
}

fn usage(text: String) -> Error {
    Error::with(Reason::Syntax, text)
}

/// A part of the work: what comes from one storage.
struct Group {
    source: Side,
    plan: Plan,
}

/// Copies all sources to a place.
async fn copies(client: &Client, sources: &[String], target: &str, options: &CopyOptions) -> Result<(), Stop> {
    let target = client.open(target).await?;
    let there = look(&target).await?;
    let is_folder = there.as_ref().is_some_and(Attr::is_dir);
    let into = is_folder || target.is_folder || sources.len() > 1;
    if sources.len() > 1 && !is_folder && !target.is_folder {
        return Err(Error::with(Reason::NotAFolder, format!("{}: several files go into a folder only", target.shown)).into());
    }
    let mut groups: Vec<Group> = Vec::new();
    if into && !is_folder {
        let plan = Plan { steps: vec![Step::MakeDir(target.path.clone())], ..Plan::default() };
        groups.push(Group { source: whole(&target), plan });
    }
    for text in sources {
        let planned = async {
            let source = client.open(text).await?;
            let plan = steps(client, &source, &target, into, is_folder, options).await?;
            Ok::<_, Error>((source, plan))
        };
        match planned.await {
            Ok((source, mut plan)) => match groups.iter_mut().find(|group| is_one(&group.source, &source)) {
                Some(group) => group.take(&mut plan),
                None => groups.push(Group { source: whole(&source), plan }),
            },
            Err(error) => client.failed(&super::without_password(text), &error),
        }
    }
    let to = whole(&target);
    for Group { source, plan } in groups {
        do_plan(client, &plan, &source, &to, &options.what, &options.how).await?;
    }
    Ok(())
}

impl Group {
    fn take(&mut self, plan: &mut Plan) {
        self.plan.steps.append(&mut plan.steps);
        self.plan.unsure.append(&mut plan.unsure);
        self.plan.same += plan.same;
        self.plan.links_left_out += plan.links_left_out;
    }
}

/// The whole of a place's storage: paths are its own.
fn whole(place: &Opened) -> Side {
    Side { storage: place.storage.clone(), remote: place.remote.clone(), root: VPath::root(), owner: place.owner.clone() }
}

fn is_one(side: &Side, place: &Opened) -> bool {
    is_one_remote(side.remote.as_ref(), place.remote.as_ref())
}

/// Whether both are on one server, or on this machine.
fn is_one_remote(one: Option<&Arc<dyn Remote>>, other: Option<&Arc<dyn Remote>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// What stands at a place; `None` where nothing does.
async fn look(place: &Opened) -> Result<Option<Attr>, Error> {
    if place.path.is_root() {
        return Ok(Some(Attr::new(types::Kind::Dir, 0)));
    }
    // An unfinished file is nothing yet.
    match place.storage.stat(&place.path, true, &vfs::Owner::default()).await {
        Ok(attr) => Ok(Some(attr)),
        Err(e) if e.reason == Reason::NotFound => Ok(None),
        // Servers that cannot tell a folder from nothing say 550 and no more.
        Err(e) if e.reason == Reason::ServerRefused && place.remote.is_some() => Ok(None),
        Err(e) => Err(e),
    }
}

/// What is to be done for one source, in the storages' own paths.
async fn steps(
    client: &Client,
    source: &Opened,
    target: &Opened,
    into: bool,
    is_folder: bool,
    options: &CopyOptions,
) -> Result<Plan, Error> {
    let Some(attr) = look(source).await? else { return Err(Reason::NotFound.into()) };
    let to = match source.path.name() {
        Some(name) if into => target.path.join(name)?,
        _ => target.path.clone(),
    };
    if is_one_remote(source.remote.as_ref(), target.remote.as_ref()) && (to == source.path || to.is_below(&source.path)) {
        return Err(Error::with(Reason::BadName, "that would be copied onto or into itself"));
    }
    let there = Opened { path: to.clone(), ..target.clone() };
    let there = if into && !is_folder { None } else { look(&there).await? };
    if attr.is_dir() {
        if !options.recursive {
            return Err(Error::with(Reason::IsAFolder, "with -r it is copied with all that is in it"));
        }
        return tree(client, source, target, &to, there.as_ref(), options).await;
    }
    if there.as_ref().is_some_and(Attr::is_dir) {
        return Err(Error::with(Reason::IsAFolder, format!("{to} is a folder there")));
    }
    // One file is a tree of one file: the same rules say whether it is copied.
    let (name, mut from, mut other) = (VPath::root().join(b"file")?, Tree::default(), Tree::default());
    from.entries.insert(name.clone(), attr.clone());
    if let Some(there) = &there {
        other.entries.insert(name, there.clone());
    }
    let wishes = wishes::wishes(&options.what, &DeleteOptions::default(), Same::Never);
    let same = Plan::make(&from, &other, &wishes)?.same;
    let copy = Step::Copy {
        path: source.path.clone(),
        to: Some(to).filter(|to| *to != source.path),
        seen: Seen::of(&attr),
        replaces: there.as_ref().map(Seen::of),
    };
    Ok(Plan { steps: if same == 0 { vec![copy] } else { Vec::new() }, same, ..Plan::default() })
}

/// What is to be done for a folder.
async fn tree(
    client: &Client,
    source: &Opened,
    target: &Opened,
    to: &VPath,
    there: Option<&Attr>,
    options: &CopyOptions,
) -> Result<Plan, Error> {
    let filter = wishes::filter(&options.what)?;
    let (from, to_side) = (side(source, &source.path), side(target, to));
    let (from, other) = mirror::trees(client, &from, &to_side, there.is_some(), &filter).await?;
    let wishes = wishes::wishes(&options.what, &DeleteOptions::default(), Same::default());
    let mut plan = Plan::make(&from, &other, &wishes)?;
    if there.is_none() {
        plan.steps.insert(0, Step::MakeDir(VPath::root()));
    }
    let lifted = plan.steps.iter().map(|step| lift(step, &source.path, to)).collect::<Result<_, _>>()?;
    Ok(Plan { steps: lifted, ..plan })
}

fn side(place: &Opened, root: &VPath) -> Side {
    Side { root: root.clone(), ..whole(place) }
}

/// A step below two roots as one in the storages' own paths.
fn lift(step: &Step, from: &VPath, to: &VPath) -> Result<Step, Error> {
    let place = step.place().under(to)?;
    Ok(match step {
        Step::MakeDir(_) => Step::MakeDir(place),
        Step::Remove(_, seen) => Step::Remove(place, *seen),
        Step::RemoveDir(_) => Step::RemoveDir(place),
        Step::Copy { path, seen, replaces, .. } => {
            Step::Copy { path: path.under(from)?, to: Some(place), seen: *seen, replaces: *replaces }
        }
        Step::Link { path, target, replaces, .. } => {
            Step::Link { path: path.under(from)?, to: Some(place), target: target.clone(), replaces: *replaces }
        }
    })
}
