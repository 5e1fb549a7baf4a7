//! How is a plan written down, and read again? A JSON object on each line (docs/plan.md).

use client::copy::{Links, Plan, Seen, Step};
use serde_json::{Map, Value, json};
use types::{Error, Reason, Time, VPath};

use super::progress::name;

/// What the first line calls itself.
const FORM: &str = "carrack plan";
/// The form's version. A reader refuses all others.
const VERSION: u64 = 1;

/// A plan's lines, each with its end.
pub(super) fn print<'a>(from: &'a str, to: &'a str, plan: &'a Plan) -> impl Iterator<Item = String> + 'a {
    let head = Line::new("form", FORM).put("version", VERSION).put("from", from).put("to", to);
    let links = LINKS.iter().find(|(_, links)| *links == plan.links);
    let head = links.into_iter().fold(head, |head, (word, _)| head.put("links", *word));
    let end = Line::new("end", true).put("steps", plan.steps.len()).put("bytes", plan.bytes()).put("same", plan.same);
    std::iter::once(head).chain(plan.steps.iter().map(line)).chain(std::iter::once(end)).map(|line| line.0 + "}\n")
}

/// An object as it is written, its keys in the order that people read them; its end is still open.
struct Line(String);

impl Line {
    fn new(key: &str, value: impl Into<Value>) -> Self {
        Self(format!("{{{}:{}", Value::from(key), value.into()))
    }

    fn put(self, key: &str, value: impl Into<Value>) -> Self {
        Self(format!("{},{}:{}", self.0, Value::from(key), value.into()))
    }

    /// A path below the roots: text where it is UTF-8, else its bytes in hexadecimal digits under `<key>_hex`.
    fn put_path(self, key: &str, path: &VPath) -> Self {
        self.put_bytes(key, path.relative())
    }

    fn put_bytes(self, key: &str, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.put(key, text),
            Err(_) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                self.put(&format!("{key}_hex"), hex)
            }
        }
    }

    fn put_seen(self, seen: &Seen) -> Self {
        let line = self.put("size", seen.size);
        match seen.modified {
            Some(time) => line.put("modified", vec![Value::from(time.seconds), Value::from(time.nanos)]),
            None => line,
        }
    }
}

fn line(step: &Step) -> Line {
    let line = Line::new("do", name(step)).put_path("path", step.path());
    match step {
        Step::Copy { to, seen, replaces, .. } => {
            let line = to.iter().fold(line, |line, to| line.put_path("to", to)).put_seen(seen);
            replaces.iter().fold(line, |line, old| line.put("replaces", seen_object(old)))
        }
        Step::Link { to, target, replaces, .. } => {
            let line = to.iter().fold(line, |line, to| line.put_path("to", to)).put_bytes("target", target);
            replaces.iter().fold(line, |line, old| line.put("replaces", seen_object(old)))
        }
        Step::Remove(_, seen) => line.put_seen(seen),
        Step::MakeDir(_) | Step::RemoveDir(_) => line,
    }
}

fn seen_object(seen: &Seen) -> Value {
    let mut object = json!({"size": seen.size});
    if let Some(time) = seen.modified {
        object["modified"] = json!([time.seconds, time.nanos]);
    }
    object
}

/// What stands for a way of treating links; the usual one is not said.
const LINKS: [(&str, Links); 2] = [("keep", Links::Keep), ("follow", Links::Follow)];

/// Where a plan leads from and to, and what it says.
///
/// # Errors
/// [`Reason::PlanUnreadable`] with the line and what is wrong with it.
pub(super) fn read(text: &str) -> Result<(String, String, Plan), Error> {
    let mut lines = text.lines().enumerate().map(|(n, line)| (n + 1, line)).filter(|(_, line)| !line.trim().is_empty());
    let (number, head) = lines.next().ok_or_else(|| unreadable(1, "it is empty"))?;
    let head = object(number, head)?;
    if head.get("form").and_then(Value::as_str) != Some(FORM) {
        return Err(unreadable(number, "it does not begin as a plan does"));
    }
    if head.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return Err(unreadable(number, "it is of a version that this build does not know"));
    }
    let place = |key: &str| {
        let text = head.get(key).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| unreadable(number, &format!("{key:?} is missing")))
    };
    let links = match head.get("links") {
        None => Links::default(),
        Some(word) => match LINKS.iter().find(|(known, _)| word == known) {
            Some((_, links)) => *links,
            None => return Err(unreadable(number, "\"links\" is neither keep nor follow")),
        },
    };
    let mut plan = Plan { links, ..Plan::default() };
    for (number, line) in lines {
        let object = object(number, line)?;
        if object.contains_key("end") {
            plan.same = object.get("same").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            return Ok((place("from")?, place("to")?, plan));
        }
        plan.steps.push(step(&object).map_err(|what| unreadable(number, &what))?);
    }
    Err(unreadable(text.lines().count(), "it ends before its end: the line with \"end\" is missing"))
}

fn unreadable(line: usize, what: &str) -> Error {
    Error::with(Reason::PlanUnreadable, format!("line {line}: {what}"))
}

fn object(number: usize, line: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(unreadable(number, "that is no JSON object")),
        Err(e) => Err(unreadable(number, &e.to_string())),
    }
}

fn step(object: &Map<String, Value>) -> Result<Step, String> {
    let path = path(object, "path")?.ok_or("\"path\" is missing")?;
    match object.get("do").and_then(Value::as_str) {
        Some("make_dir") => Ok(Step::MakeDir(path)),
        Some("remove_dir") => Ok(Step::RemoveDir(path)),
        Some("remove") => Ok(Step::Remove(path, seen(object)?)),
        Some("copy") => Ok(Step::Copy { path, to: self::path(object, "to")?, seen: seen(object)?, replaces: replaces(object)? }),
        Some("link") => {
            let target = bytes(object, "target")?.ok_or("\"target\" is missing")?;
            if target.is_empty() || target.contains(&0) {
                return Err("\"target\" is nothing that a link can hold".into());
            }
            Ok(Step::Link { path, to: self::path(object, "to")?, target: target.into(), replaces: replaces(object)? })
        }
        _ => Err("\"do\" is none of make_dir, copy, link, remove and remove_dir".into()),
    }
}

fn replaces(object: &Map<String, Value>) -> Result<Option<Seen>, String> {
    match object.get("replaces") {
        Some(Value::Object(old)) => seen(old).map(Some),
        Some(_) => Err("\"replaces\" is no object".into()),
        None => Ok(None),
    }
}

fn bytes(object: &Map<String, Value>, key: &str) -> Result<Option<Vec<u8>>, String> {
    let hex = object.get(&format!("{key}_hex"));
    match (object.get(key), hex) {
        (Some(Value::String(text)), None) => Ok(Some(text.as_bytes().to_vec())),
        (None, Some(Value::String(digits))) => {
            from_hex(digits).map(Some).ok_or_else(|| format!("\"{key}_hex\" has no such digits"))
        }
        (None, None) => Ok(None),
        _ => Err(format!("{key:?} is no text, or there twice")),
    }
}

fn path(object: &Map<String, Value>, key: &str) -> Result<Option<VPath>, String> {
    let Some(bytes) = bytes(object, key)? else { return Ok(None) };
    // Whoever wrote the plan, nothing outside the two places is touched.
    let leads_out = bytes.split(|&b| b == b'/').any(|part| part == b".." || part == b".");
    if leads_out || bytes.first() == Some(&b'/') {
        return Err(format!("{key:?} is no path below the two places"));
    }
    VPath::parse(&[b"/", &*bytes].concat()).map(Some).map_err(|e| format!("{key:?}: {e}"))
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len() / 2).map(|n| u8::from_str_radix(digits.get(2 * n..2 * n + 2)?, 16).ok()).collect()
}

fn seen(object: &Map<String, Value>) -> Result<Seen, String> {
    let size = object.get("size").and_then(Value::as_u64).ok_or("\"size\" is missing, or no number of bytes")?;
    let modified = match object.get("modified") {
        None => None,
        Some(time) => {
            let seconds = time.get(0).and_then(Value::as_i64);
            let nanos = time.get(1).and_then(Value::as_u64).filter(|&n| n < 1_000_000_000).and_then(|n| u32::try_from(n).ok());
            let (Some(seconds), Some(nanos)) = (seconds, nanos) else {
                return Err("\"modified\" is not [seconds, nanoseconds]".into());
            };
            Some(Time { seconds, nanos })
        }
    };
    Ok(Seen { size, modified })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths() -> impl Strategy<Value = VPath> {
        prop::collection::vec("[a-z \\\\\"é]{1,4}|\\.{3}", 0..4)
            .prop_map(|parts| VPath::parse(format!("/{}", parts.join("/")).as_bytes()).unwrap())
    }

    fn sights() -> impl Strategy<Value = Seen> {
        (any::<u64>(), prop::option::of((any::<i64>(), 0_u32..1_000_000_000)))
            .prop_map(|(size, time)| Seen { size, modified: time.map(|(seconds, nanos)| Time { seconds, nanos }) })
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            paths().prop_map(Step::MakeDir),
            paths().prop_map(Step::RemoveDir),
            (paths(), sights()).prop_map(|(path, seen)| Step::Remove(path, seen)),
            (paths(), prop::option::of(paths()), sights(), prop::option::of(sights()))
                .prop_map(|(path, to, seen, replaces)| Step::Copy { path, to, seen, replaces }),
            (paths(), prop::option::of(paths()), prop::collection::vec(1_u8.., 1..9), prop::option::of(sights()))
                .prop_map(|(path, to, target, replaces)| Step::Link { path, to, target: target.into(), replaces }),
        ]
    }

    proptest! {
        #[test]
        fn a_plan_is_read_as_it_was_written(steps in prop::collection::vec(steps(), 0..5), same in 0_usize..9, at in 0_usize..3) {
            let small = |step: &Step| if let Step::Copy { seen, .. } = step { seen.size < u64::MAX / 8 } else { true };
            let links = [Links::LeaveOut, Links::Keep, Links::Follow][at];
            let plan = Plan { steps: steps.into_iter().filter(small).collect(), same, links, ..Plan::default() };
            let text: String = print("ftp://h/a", "/b", &plan).collect();
            prop_assert_eq!(read(&text).unwrap(), ("ftp://h/a".to_owned(), "/b".to_owned(), plan));
        }

        #[test]
        fn no_text_breaks_it(text in "(\\{\"(form|do|path|end)\":[\"a-z0-9. /]{0,9}\\}\n?){0,3}") {
            let _ = read(&text);
        }
    }

    #[test]
    fn names_that_are_no_text_keep_their_bytes() {
        let plan = Plan { steps: vec![Step::MakeDir(VPath::parse(b"/a\xff").unwrap())], ..Plan::default() };
        let text: String = print("a", "b", &plan).collect();
        assert!(text.contains(r#""path_hex":"61ff""#), "{text}");
        assert_eq!(read(&text).unwrap().2, plan);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let head = r#"{"form":"carrack plan","version":1,"from":"a","to":"b"}"#;
        let with = |line: &str| format!("{head}\n{line}\n{{\"end\":true}}\n");
        for (text, what) in [
            (String::new(), "line 1: it is empty"),
            ("{}".into(), "line 1: it does not begin"),
            (head.replace("1,", "2,"), "line 1: it is of a version"),
            (head.to_owned(), "line 1: it ends before its end"),
            (with("["), "line 2: "),
            (with("[]"), "line 2: that is no JSON object"),
            (with(r#"{"do":"copy","path":"a"}"#), "line 2: \"size\" is missing"),
            (with(r#"{"do":"burn","path":"a"}"#), "line 2: \"do\" is none"),
            (with(r#"{"do":"link","path":"a"}"#), "line 2: \"target\" is missing"),
            (with(r#"{"do":"link","path":"a","target":""}"#), "line 2: \"target\" is nothing"),
            (head.replace("}", ",\"links\":1}"), "line 1: \"links\" is neither"),
            (with(r#"{"do":"make_dir"}"#), "line 2: \"path\" is missing"),
            (with(r#"{"do":"make_dir","path":"../a"}"#), "line 2: \"path\" is no path below"),
            (with(r#"{"do":"make_dir","path":"/etc"}"#), "line 2: \"path\" is no path below"),
            (with(r#"{"do":"make_dir","path_hex":"2e2e"}"#), "line 2: \"path\" is no path below"),
            (with(r#"{"do":"make_dir","path_hex":"zz"}"#), "line 2: \"path_hex\" has no such digits"),
            (with(r#"{"do":"remove","path":"a","size":1,"modified":[0,1000000000]}"#), "line 2: \"modified\" is not"),
        ] {
            let e = read(&text).unwrap_err();
            assert_eq!(e.reason, Reason::PlanUnreadable);
            assert!(e.detail.as_deref().unwrap().starts_with(what), "{what}: {e}");
        }
    }
}
