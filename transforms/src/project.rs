//! What was loaded from disk, as data. Paths are relative to the scanned root
//! and separated by `/`, whatever the operating system.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::libraries::Packages;
use crate::next_version::NextVersion;
use crate::source::{ParseError, Source};

/// Everything below one scanned root.
#[derive(Debug, Default)]
pub struct Project {
    /// Every JavaScript and TypeScript file that was found, by path; besides, without text
    /// or imports, every file of another kind that one of them imports (JSON, CSS, …).
    pub files: BTreeMap<String, File>,
    /// Files in other formats that can name a route (`vercel.json`, …), by path.
    pub texts: BTreeMap<String, String>,
    /// The Next.js apps, in order of their directories.
    pub apps: Vec<App>,
    /// The packages that each `package.json` asks for with their version ranges, by directory.
    pub packages: BTreeMap<String, Arc<BTreeMap<String, String>>>,
    /// What could not be read of the project's configuration, in words that name the file.
    pub problems: Vec<String>,
}

/// One Next.js app: a directory that depends on `next` and has a `pages` or an `app`
/// directory; or one that only looks like it, by its `pages/api`.
#[derive(Debug, Clone)]
pub struct App {
    /// The app's directory; empty for the root itself.
    pub dir: String,
    /// Whether the app depends on `next`. Astro, for one, has `src/pages/api` too.
    pub depends_on_next: bool,
    /// The Next.js version that decides what is generated; `None` when it cannot be told.
    pub next: Option<NextVersion>,
    /// Where [`App::next`] was read, for people (`node_modules/next`, `package-lock.json`, `^15.0.0 in package.json`, `--next`).
    /// For an unknown version, what stands in `package.json`.
    pub next_source: String,
    /// The `pages` directory, when there is one.
    pub pages: Option<String>,
    /// The `app` directory, when there is one.
    pub app: Option<String>,
    /// Whether the app has a `tsconfig.json`.
    pub typescript: bool,
    /// What `next.config.*` says.
    pub config: NextConfig,
    /// Import prefixes that name a directory (`@/` → `src/`), longest prefix first.
    /// From `paths` entries of the form `prefix*`: `["target*"]`.
    pub aliases: Vec<Alias>,
}

/// One `paths` entry of a `tsconfig.json` that maps a prefix to a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// What the specifier starts with, as `@/`.
    pub prefix: String,
    /// The directory it stands for, relative to the root; empty or ending in `/`.
    pub target: String,
}

/// The statically readable part of `next.config.*`.
#[derive(Debug, Clone)]
pub struct NextConfig {
    /// The file, when there is one.
    pub path: Option<String>,
    /// Extensions without the dot that make a file under `pages/` a page, in Next.js order.
    pub page_extensions: Vec<String>,
    /// `basePath`, or empty.
    pub base_path: String,
    /// Whether `i18n` is configured.
    pub i18n: bool,
    /// Its locales, none when they are not known.
    pub locales: Vec<String>,
    /// Whether `output: 'export'` is set.
    pub output_export: bool,
    /// Whether `cacheComponents` (or `experimental.dynamicIO`) is set.
    pub cache_components: bool,
    /// Whether a `headers()` function stands there.
    pub headers: bool,
    /// Whether a `rewrites()` function stands there.
    pub rewrites: bool,
    /// Whether a `redirects()` function stands there.
    pub redirects: bool,
    /// Keys that exist and whose values could not be read statically; `...` stands for
    /// keys that come from elsewhere, as by a spread of an imported object.
    pub unread: Vec<String>,
}

impl Default for NextConfig {
    fn default() -> Self {
        NextConfig {
            path: None,
            page_extensions: ["tsx", "ts", "jsx", "js"].map(String::from).to_vec(),
            base_path: String::new(),
            i18n: false,
            locales: Vec::new(),
            output_export: false,
            cache_components: false,
            headers: false,
            rewrites: false,
            redirects: false,
            unread: Vec::new(),
        }
    }
}

/// How Prettier is told to write a file; what its configuration leaves open is Prettier's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatting {
    /// How long a line may be.
    pub print_width: usize,
    /// The spaces of one level of indentation, or how wide a tab counts.
    pub tab_width: usize,
    /// Whether tabs indent.
    pub use_tabs: bool,
    /// Whether statements end with `;`.
    pub semi: bool,
    /// Whether string literals stand in single quotes.
    pub single_quote: bool,
    /// Where the last of several lines ends with a comma.
    pub trailing_comma: TrailingComma,
}

/// Prettier's `trailingComma`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailingComma {
    /// Everywhere.
    All,
    /// In objects and arrays, not in arguments and parameters.
    Es5,
    /// Nowhere.
    None,
}

impl Default for Formatting {
    fn default() -> Self {
        Formatting {
            print_width: 80,
            tab_width: 2,
            use_tabs: false,
            semi: true,
            single_quote: false,
            trailing_comma: TrailingComma::All,
        }
    }
}

impl Project {
    /// Parses a file of the project; `text` may be another one than what stands there.
    ///
    /// # Errors
    /// When the text does not parse.
    pub fn parse(&self, path: &str, text: Arc<str>) -> Result<Source, ParseError> {
        let mut source = Source::parse(path, text)?;
        source.formatting = self
            .files
            .get(path)
            .and_then(|file| file.formatting.clone());
        source.packages = self.packages_above(path);
        Ok(source)
    }

    /// What the `package.json` files above a file ask for.
    pub fn packages_above(&self, path: &str) -> Packages {
        let above =
            std::iter::successors(path.rsplit_once('/'), |(above, _)| above.rsplit_once('/'));
        let directories = above.map(|(directory, _)| directory).chain([""]);
        Packages::new(
            directories
                .filter_map(|directory| self.packages.get(directory).cloned())
                .collect(),
        )
    }
}

/// One JavaScript or TypeScript file.
#[derive(Debug, Default)]
pub struct File {
    /// The text, kept only when the file can matter: an API file, one that mentions a
    /// route, one that names an API file, or one that such a file imports.
    pub text: Option<Arc<str>>,
    /// Why there is no text although the file matters: not UTF-8, unreadable, too large.
    pub unreadable: Option<String>,
    /// What the file imports and re-exports, in order.
    pub imports: Vec<Import>,
    /// How Prettier is told to write it, when a configuration says so.
    pub formatting: Option<Arc<Formatting>>,
    /// Whether the executable bit is set.
    pub executable: bool,
}

/// One import, re-export, `require` or dynamic `import()` with a literal specifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The specifier as written.
    pub specifier: String,
    /// The file it names, when it is one of the project's files.
    pub resolved: Option<String>,
    /// Whether it is `import type` or `export type`, which leaves no run-time edge.
    pub type_only: bool,
    /// The names that it takes, `default` among them, and maybe others; `None` for everything.
    pub names: Option<Vec<Box<str>>>,
    /// Whether it passes on what it takes: `export … from`.
    pub reexport: bool,
}

impl Import {
    /// Whether it may take an exported name.
    pub fn takes(&self, name: &str) -> bool {
        self.names
            .as_ref()
            .is_none_or(|names| names.iter().any(|known| **known == *name))
    }
}
