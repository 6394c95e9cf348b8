//! Tells the Next.js version of an app: what is installed, else what the lockfile says,
//! else the range in `package.json`. A range that has no end, as `latest`, stands for the newest
//! version that is known where nothing is locked, as an installation gives it. What cannot be
//! told is `None`, never a guess.

use std::path::Path;

use routelift_transforms::next_version::NextVersion;
use serde_json::Value;

use super::{lockfile, read};

/// Finds the version of the app at `directory`, whose `package.json` asks for `range`.
/// Lockfiles are looked for from there up to `top`. The second value says where it was
/// read, for people.
pub fn detect(directory: &Path, top: &Path, range: &str) -> (Option<NextVersion>, String) {
    for above in directory.ancestors() {
        let file = above.join("node_modules/next/package.json");
        let installed = read::bytes(&file).ok();
        let version = installed
            .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
            .and_then(|json| json["version"].as_str().and_then(NextVersion::parse));
        if version.is_some() {
            return (version, "node_modules/next".to_string());
        }
    }
    let mut locked = false;
    for above in directory
        .ancestors()
        .take_while(|above| above.starts_with(top))
    {
        locked |= lockfile::stands_in(above);
        if let Some((name, version)) = lockfile::next_version(above, directory, range) {
            return (NextVersion::parse(&version), name.to_string());
        }
    }
    if is_open(range) && !locked {
        let newest = NextVersion::NEWEST;
        let why = format!(
            "{range}, no lockfile: taken as Next.js {newest}; pass --next to say otherwise"
        );
        return (Some(newest), why);
    }
    (of_range(range), format!("{range} in package.json"))
}

/// A range without the name that `npm:` gives it.
fn unnamed(range: &str) -> &str {
    let range = range.trim();
    range.strip_prefix("npm:next@").unwrap_or(range)
}

/// Whether a range allows every newer version: `latest`, `*`, `>=13`.
fn is_open(range: &str) -> bool {
    let range = unnamed(range);
    let least = range.strip_prefix(">=").or(range.strip_prefix('>'));
    match least.map(str::trim) {
        None => ["", "*", "latest", "x", "X"].contains(&range),
        Some(least) => {
            let number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            least.bytes().all(number)
                && NextVersion::parse(least)
                    .is_some_and(|least| least.major <= NextVersion::NEWEST.major)
        }
    }
}

/// The newest version that a range allows; `None` when that is not known, as for
/// `latest`, `>=13` or `^14 || ^15`.
pub fn of_range(range: &str) -> Option<NextVersion> {
    let range = unnamed(range);
    let caret = range.starts_with('^');
    let number = range.trim_start_matches(['^', '~', '=', 'v', ' ']);
    let plain = number
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    if !plain || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut version = NextVersion::parse(number)?;
    if caret && version.major > 0 && !number.contains('-') {
        // The newest minor of the major is what an installation gives.
        version.minor = u16::MAX;
    }
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        let of = |text: &str| of_range(text).map(|version| version.to_string());
        assert_eq!(of("15.1.2").as_deref(), Some("15.1"));
        assert_eq!(of("~14.1.0").as_deref(), Some("14.1"));
        assert_eq!(of("^13.0.0").as_deref(), Some("13"));
        assert_eq!(of("^15.0.0-canary.3").as_deref(), Some("15.0"));
        assert_eq!(of("14.x").as_deref(), Some("14"));
        assert_eq!(of("npm:next@15.2.0").as_deref(), Some("15.2"));
        for unknown in [
            "latest",
            "canary",
            "*",
            ">=13",
            "^14 || ^15",
            "catalog:",
            "workspace:*",
        ] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
        assert_eq!(of("github:vercel/next.js#1234"), None);
    }

    #[test]
    fn open_ranges_give_the_newest_version() {
        for open in [
            "latest",
            "npm:next@latest",
            "*",
            "x",
            "",
            ">=13",
            "> 13.4.2",
        ] {
            assert!(is_open(open), "{open}");
        }
        for other in [
            "canary",
            "^15",
            ">=13 <15",
            ">=13.0.0-canary.1",
            ">=99",
            "workspace:*",
            "catalog:",
            "vercel/next.js",
        ] {
            assert!(!is_open(other), "{other}");
        }
    }
}
