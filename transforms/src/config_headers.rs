//! The headers that `next.config` gives to a route's answers. In: the configuration's text.
//! Out: for each route the headers of the entries whose `source` may match a URL that leads to
//! it, its own or one that is rewritten to it.
//!
//! Measured: what a handler in `pages/api` sets itself wins over these; of a route handler
//! 14 sends both, and from 15 on the configuration's value wins. An entry that is not understood
//! may match every URL and set every header.

use swc_core::ecma::ast::*;

use crate::config_lists::Lists;
use crate::next_version::{Feature, NextVersion};
use crate::project::{App, Project};
use crate::surroundings;
use crate::syntax::prop_name;
use crate::url_pattern::UrlPattern;

/// Headers that the answers of nearly every handler have, whether it names them or not.
const OWN: &[&str] = &["content-length", "content-type", "etag", "location"];

/// Stands for a header whose name is computed.
pub const ANY: &str = "*";

/// What `headers()` and `rewrites()` of a configuration say.
#[derive(Debug, Default)]
pub struct ConfigHeaders {
    entries: Vec<Entry>,
    rewrites: Vec<(UrlPattern, UrlPattern)>,
    base_path: String,
    i18n: bool,
    locales: Vec<String>,
}

/// One entry of `headers()`.
#[derive(Debug)]
struct Entry {
    sources: Vec<UrlPattern>,
    /// Whether the source has the `basePath` in it already.
    whole: bool,
    headers: Vec<Header>,
}

/// A header that may stand in an answer.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name in lower case, when that is known.
    name: Option<String>,
    /// Its value, when that is known.
    value: Option<String>,
}

impl Header {
    const UNKNOWN: Header = Header {
        name: None,
        value: None,
    };
}

impl Entry {
    fn unknown() -> Entry {
        Entry {
            sources: vec![UrlPattern::any()],
            whole: false,
            headers: vec![Header::UNKNOWN],
        }
    }

    /// Reads `{ source, headers }`. Conditions (`has`, `missing`) may hold or not.
    fn read(lists: &Lists, object: &ObjectLit) -> Option<Entry> {
        let mut entry = Entry {
            sources: Vec::new(),
            whole: false,
            headers: Vec::new(),
        };
        for (name, value) in entries(object)? {
            match &*name {
                "source" => {
                    let texts = lists.texts(value)?;
                    let read = texts.iter().map(|text| UrlPattern::of_source(text));
                    entry.sources = read.collect();
                }
                "headers" => {
                    let items = lists.items(value);
                    let read = items.iter().map(|item| {
                        let read = item.as_ref().and_then(|item| header(lists, item));
                        read.unwrap_or(vec![Header::UNKNOWN])
                    });
                    entry.headers = read.flatten().collect();
                }
                "basePath" => match value {
                    Expr::Lit(Lit::Bool(value)) if !value.value => entry.whole = true,
                    _ => return None,
                },
                "has" | "missing" | "locale" => {}
                _ => return None,
            }
        }
        Some(entry)
    }
}

/// Reads `{ key, value }`.
fn header(lists: &Lists, object: &ObjectLit) -> Option<Vec<Header>> {
    let (mut names, mut values) = (Vec::new(), None);
    for (name, value) in entries(object)? {
        match &*name {
            "key" => names = lists.texts(value)?,
            "value" => values = lists.texts(value),
            _ => return None,
        }
    }
    // `:param` stands for a part of the URL.
    let fixed = |text: &String| !text.contains(':');
    let value = match values.as_deref() {
        Some([only]) if fixed(only) => Some(only.clone()),
        _ => None,
    };
    let header = |name: &String| Header {
        name: fixed(name).then(|| name.to_ascii_lowercase()),
        value: value.clone(),
    };
    (!names.is_empty()).then(|| names.iter().map(header).collect())
}

/// The entries of an object whose keys are all known.
fn entries(object: &ObjectLit) -> Option<Vec<(String, &Expr)>> {
    object
        .props
        .iter()
        .map(|property| match property {
            PropOrSpread::Prop(property) => match &**property {
                Prop::KeyValue(pair) => Some((prop_name(&pair.key)?, &*pair.value)),
                _ => None,
            },
            PropOrSpread::Spread(_) => None,
        })
        .collect()
}

/// Reads `{ source, destination }`; an empty list for one that leads to another site.
fn rewrite(lists: &Lists, object: &ObjectLit) -> Option<Vec<(UrlPattern, UrlPattern)>> {
    let (mut sources, mut destinations) = (Vec::new(), Vec::new());
    for (name, value) in entries(object)? {
        match &*name {
            "source" => sources = lists.texts(value)?,
            "destination" => destinations = lists.texts(value)?,
            _ => {}
        }
    }
    if sources.is_empty() || destinations.is_empty() {
        return None;
    }
    let pairs = sources.iter().flat_map(|source| {
        let destinations = destinations
            .iter()
            .filter_map(|text| UrlPattern::of_destination(text));
        destinations.map(|destination| (UrlPattern::of_source(source), destination))
    });
    Some(pairs.collect())
}

impl ConfigHeaders {
    /// Reads the configuration of an app.
    pub fn read(project: &Project, app: &App) -> ConfigHeaders {
        let config = &app.config;
        if !config.headers {
            return ConfigHeaders::default();
        }
        let text = config
            .path
            .as_ref()
            .and_then(|path| Some((path, project.files.get(path)?.text.clone()?)));
        let source = text.and_then(|(path, text)| project.parse(path, text).ok());
        let lists = source.as_ref().map(Lists::of);
        let all = |name: &str| match &lists {
            Some(lists) => lists.returned(name),
            None => vec![None],
        };
        let read_entry = |item: Option<ObjectLit>| Entry::read(lists.as_ref()?, &item?);
        let entries = all("headers")
            .into_iter()
            .map(|item| read_entry(item).unwrap_or_else(Entry::unknown));
        let anywhere = || vec![(UrlPattern::any(), UrlPattern::any())];
        let mut rewrites: Vec<(UrlPattern, UrlPattern)> = match config.rewrites {
            true => all("rewrites")
                .into_iter()
                .flat_map(|item| {
                    let lists = lists.as_ref();
                    let read = lists.and_then(|lists| rewrite(lists, &item?));
                    read.unwrap_or_else(anywhere)
                })
                .collect(),
            false => Vec::new(),
        };
        if rewrites_in_middleware(project, app) {
            rewrites.extend(anywhere());
        }
        ConfigHeaders {
            entries: entries.collect(),
            rewrites,
            base_path: config.base_path.clone(),
            i18n: config.i18n,
            locales: config.locales.clone(),
        }
    }

    /// The headers that answers of a route may have from the configuration.
    pub fn of_route(&self, route: &str) -> RouteHeaders {
        if self.entries.is_empty() {
            return RouteHeaders(Vec::new());
        }
        let mut urls = vec![UrlPattern::of_route(route)];
        let mut left: Vec<&(UrlPattern, UrlPattern)> = self.rewrites.iter().collect();
        // A rewrite can lead to another one.
        while let Some(at) = left
            .iter()
            .position(|(_, destination)| urls.iter().any(|url| url.meets(destination)))
        {
            urls.push(left.remove(at).0.clone());
        }
        let set = self.entries.iter().filter(|entry| {
            urls.iter().any(|url| {
                let mut spellings = vec![url.clone()];
                let locales = self.locales.iter();
                spellings.extend(locales.map(|locale| url.behind(&format!("/{locale}"))));
                if self.i18n && self.locales.is_empty() {
                    spellings.push(url.behind_any_segment());
                }
                if entry.whole {
                    let whole = spellings.iter().map(|url| url.behind(&self.base_path));
                    spellings = whole.collect();
                }
                let mut sources = entry.sources.iter();
                sources.any(|source| spellings.iter().any(|url| source.meets(url)))
            })
        });
        RouteHeaders(set.flat_map(|entry| entry.headers.clone()).collect())
    }
}

/// Whether middleware may give one route's answer for another's URL.
fn rewrites_in_middleware(project: &Project, app: &App) -> bool {
    surroundings::middleware(project, app)
        .iter()
        .any(|(_, text)| text.contains("rewrite"))
}

/// The headers that the configuration may give to a route's answers.
pub struct RouteHeaders(Vec<Header>);

impl RouteHeaders {
    /// Whether the answer would be another one, in a route handler that sets this header to this
    /// value (when that is one fixed text).
    pub fn change(&self, name: &str, value: Option<&str>, next: NextVersion) -> bool {
        let name = name.to_ascii_lowercase();
        let same = |header: &Header| {
            next.has(Feature::ConfigHeadersReplace)
                && name != "set-cookie"
                && header.value.is_some()
                && header.value.as_deref() == value
        };
        self.may_set(&name).any(|header| !same(header))
    }

    /// A header among these that any handler's answer has, or a word for one that may be.
    pub fn own(&self) -> Option<&str> {
        let unknown = || self.0.iter().any(|header| header.name.is_none());
        let mut names = self.names().flatten();
        names
            .find(|name| OWN.contains(name))
            .or_else(|| unknown().then_some("a name that is not written out"))
    }

    /// Whether there may be one whose name starts so.
    pub fn start_with(&self, start: &str) -> bool {
        let known = |name: &String| name.starts_with(start);
        self.0
            .iter()
            .any(|header| header.name.as_ref().is_none_or(known))
    }

    /// The names; `None` for those that are not known.
    pub fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(|header| header.name.as_deref())
    }

    fn may_set(&self, name: &str) -> impl Iterator<Item = &Header> {
        let named = move |header: &&Header| {
            let known = header.name.as_deref();
            name == ANY || known.is_none_or(|known| known == name)
        };
        self.0.iter().filter(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{File, NextConfig};

    /// The names that may be set for the answers of `/api/a`; `?` for unknown ones.
    fn names(config: &str) -> Vec<String> {
        let with = |config: NextConfig, text: &str| {
            let mut project = Project::default();
            let file = File {
                text: Some(text.into()),
                ..File::default()
            };
            project.files.insert("next.config.ts".to_string(), file);
            let app = App {
                dir: String::new(),
                depends_on_next: true,
                next: NextVersion::parse("15.5.0"),
                next_source: String::new(),
                pages: Some("pages".to_string()),
                app: None,
                typescript: true,
                config,
                aliases: Vec::new(),
            };
            let headers = ConfigHeaders::read(&project, &app).of_route("/api/a");
            let names = headers.names().map(|name| name.unwrap_or("?").to_string());
            names.collect()
        };
        let read = NextConfig {
            path: Some("next.config.ts".to_string()),
            headers: true,
            rewrites: config.contains("rewrites"),
            i18n: config.contains("i18n"),
            locales: match config.contains("locales") {
                true => vec!["de".to_string(), "en".to_string()],
                false => Vec::new(),
            },
            base_path: if config.contains("'/base") {
                "/base"
            } else {
                ""
            }
            .to_string(),
            ..NextConfig::default()
        };
        with(read, config)
    }

    #[test]
    fn entries_are_read_in_every_shape() {
        let entry = "{ source: '/api/:path*', headers: [{ key: 'X-A', value: 'a' }] }";
        let other = "{ source: '/about', headers: [{ key: 'X-B', value: 'b' }] }";
        for shape in [
            "export default { async headers() { return [ENTRY, OTHER] } }",
            "export default { headers: () => [ENTRY, OTHER] }",
            "const list = [OTHER]; list.push(ENTRY); export default { headers: async () => list }",
            "async function headers() { return [OTHER].concat([ENTRY]) } export default { headers }",
            "const a = ENTRY as const; const config = {}; config.headers = async () => [a, OTHER]; module.exports = config",
            "export default { async headers() { if (x) { return [OTHER] } return [x ? ENTRY : OTHER, ...(y ? [OTHER] : [])] } }",
            "const s = '/api/:path*'; const h = [{ key: `X-A`, value: f() }]; export default { async headers() { return [{ source: s, headers: h, has: g() }] } }",
            "export default { async headers() { return [ENTRY] }, fetch: { headers: { a: 1 } } }",
        ] {
            let config = shape.replace("ENTRY", entry).replace("OTHER", other);
            assert_eq!(names(&config), ["x-a"], "{config}");
        }
    }

    #[test]
    fn what_is_not_understood_may_set_everything() {
        for config in [
            "import list from './list'; export default { async headers() { return list } }",
            "export default { headers: createHeaders() }",
            "export default { async headers() { return [make('/about')] } }",
            "export default { async headers() { return [{ ...base, source: '/about' }] } }",
            "export default { async headers() { return [{ source: prefix + '/about', headers: [{ key: 'X', value: '' }] }] } }",
            "const list = []; fill(list); export default { async headers() { return list } }",
            "const list = []; list[0] = make(); export default { async headers() { return list } }",
            "const list = []; const same = list; same.push(make()); export default { async headers() { return list } }",
            "export default { async headers() { return [{ source: '/api/a', headers: [{ key: ':name', value: '' }] }] } }",
            "export default {",
        ] {
            assert_eq!(names(config), ["?"], "{config}");
        }
    }

    #[test]
    fn the_same_value_is_no_change_where_it_replaces() {
        let header = |value: &str| Header {
            name: Some("x-a".to_string()),
            value: Some(value.to_string()),
        };
        let change = |values: &[&str], own: Option<&str>, next: &str| {
            let headers = RouteHeaders(values.iter().map(|value| header(value)).collect());
            headers.change("X-A", own, NextVersion::parse(next).unwrap())
        };
        assert!(!change(&["1"], Some("1"), "15.0.0") && !change(&["1", "1"], Some("1"), "16.0.0"));
        assert!(change(&["1"], Some("1"), "14.2.0"));
        assert!(change(&["1"], Some("2"), "15.0.0") && change(&["1"], None, "15.0.0"));
        assert!(change(&["1", "2"], Some("1"), "15.0.0"));
    }

    #[test]
    fn a_route_has_several_urls() {
        let entry = |source: &str, more: &str, rest: &str| {
            names(&format!(
                "export default {{ async headers() {{ return [{{ source: '{source}', headers: [{{ key: 'X', value: '' }}]{more} }}] }}{rest} }}"
            ))
        };
        let rewrites = ", async rewrites() { return { beforeFiles: [{ source: '/b', destination: '/a' }], afterFiles: [{ source: '/a', destination: '/api/:all*' }, { source: '/c', destination: 'https://example.com/api/a' }] } }";
        assert_eq!(entry("/b", "", rewrites), ["x"]);
        assert_eq!(entry("/c", "", rewrites), [""; 0]);
        assert_eq!(entry("/b", "", ", rewrites: async () => list"), ["x"]);
        assert_eq!(entry("/api/a", "", ", basePath: '/base'"), ["x"]);
        let whole = ", basePath: false";
        assert_eq!(entry("/api/a", whole, ", basePath: '/base'"), [""; 0]);
        assert_eq!(entry("/base/api/a", whole, ", basePath: '/base'"), ["x"]);
        assert_eq!(entry("/en/api/a", ", locale: false", ", i18n: {}"), ["x"]);
        let locales = ", i18n: { locales: ['de', 'en'] }";
        assert_eq!(entry("/en/api/a", ", locale: false", locales), ["x"]);
        assert_eq!(entry("/:any/api/a", ", locale: false", locales), ["x"]);
        assert_eq!(entry("/images/:path*", "", locales), [""; 0]);
        assert_eq!(entry("/en/api/a", "", ""), [""; 0]);
    }
}
