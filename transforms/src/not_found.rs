//! What becomes of the 404 page of the Pages Router when the first file under `app/` comes. In:
//! an app and its Next.js version. Out: whether Next.js goes on showing that page (`pages/404`,
//! else `_error`, else its own), by itself or by files beside the first one.
//!
//! Measured: 16, and 15 built by Turbopack, shows `app/not-found`, or its own page where there is none, for every
//! unknown URL and every `notFound` of a page as soon as `app/` has a file. It shows no `_app`
//! and no `_document` around it, but the root layout.

use crate::emit::style::Style;
use crate::facts::route::app_dir;
use crate::next_version::{Feature, NextVersion};
use crate::outcome::{Place, Refusal};
use crate::plain_page;
use crate::project::{App, Project};
use crate::reason::Reason;
use crate::surroundings::{directory, rebase, relative};

/// What becomes of the 404 page.
pub enum NotFound {
    /// It is shown as before.
    Stays,
    /// It is that of Next.js, and is shown without `_app` and `_document`.
    Bare,
    /// It is shown by these new files: their paths and texts.
    Carried(Vec<(String, String)>),
    /// Next.js would show its own page instead.
    Lost(Refusal),
}

/// Looks at the 404 page of an app.
pub fn look(project: &Project, app: &App) -> NotFound {
    let takes = |next: &NextVersion| {
        next.has(Feature::AppTakesNotFound)
            || next.has(Feature::TurbopackTakesNotFound) && built_by_turbopack(project, app)
    };
    let Some(next) = app.next.filter(takes) else {
        return NotFound::Stays;
    };
    let has_app = app.app.as_ref().is_some_and(|dir| {
        let prefix = format!("{dir}/");
        let mut behind = project.files.range(prefix.clone()..);
        behind
            .next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    });
    if has_app {
        return NotFound::Stays;
    }
    let own = page(project, app, "404").or_else(|| page(project, app, "_error"));
    let Some(page) = own else {
        return match frame(project, app) {
            Some(frame) if frame.styles.is_empty() => NotFound::Stays,
            _ => NotFound::Bare,
        };
    };
    match carry(project, app, &page) {
        Some(files) => NotFound::Carried(files),
        None => NotFound::Lost(Refusal {
            reason: Reason::NotFoundPage,
            place: Place::file_start(&page),
            detail: format!("Next.js {next}"),
        }),
    }
}

/// Whether a script of the app builds it by Turbopack.
fn built_by_turbopack(project: &Project, app: &App) -> bool {
    let path = match app.dir.is_empty() {
        true => "package.json".to_string(),
        false => format!("{}/package.json", app.dir),
    };
    let scripts = project.texts.get(&path).map_or("", String::as_str);
    let builds = |line: &str| line.contains("next build") && line.contains("--turbo");
    scripts.lines().any(builds)
}

/// What `_app` and `_document` put around a page.
struct Frame {
    /// The style sheets, as `_app` names them.
    styles: Vec<String>,
    /// Where `_app` stands.
    folder: String,
    language: Option<String>,
}

/// What stands around every page, when that is no more than a frame.
fn frame(project: &Project, app: &App) -> Option<Frame> {
    // A locale is the language of the document.
    let unread = &app.config.unread;
    if app.config.i18n || unread.iter().any(|key| ["...", "i18n"].contains(&&**key)) {
        return None;
    }
    let around = page(project, app, "_app");
    Some(Frame {
        styles: match &around {
            Some(around) => plain_page::app_styles(project, around)?,
            None => Vec::new(),
        },
        folder: directory(around.as_deref().unwrap_or_default()).to_string(),
        language: match page(project, app, "_document") {
            Some(document) => plain_page::document_language(project, &document)?,
            None => None,
        },
    })
}

/// The root layout and the page that show the same as a page, when it is plain.
fn carry(project: &Project, app: &App, path: &str) -> Option<Vec<(String, String)>> {
    let frame = frame(project, app).filter(|_| plain_page::is_plain(project, path))?;
    let source = project
        .parse(path, project.files.get(path)?.text.clone()?)
        .ok()?;
    let (_, extension) = path[directory(path).len()..].split_once('.')?;
    if extension.ends_with("ts") {
        return None;
    }
    let stem = &path[..path.len() - extension.len() - 1];
    let stem = stem.strip_suffix("/index").unwrap_or(stem);
    let folder = app_dir(app)?;
    let specifier = relative(&folder, stem);
    let not_found = format!("export {{ default }} from '{specifier}'%;%\n");
    let styles = frame
        .styles
        .iter()
        .map(|style| rebase(&frame.folder, &folder, style));
    let layout = layout(styles.collect(), frame.language, source.typescript());
    let style = Style::of(&source);
    let file = |name: &str, text: String| {
        let text = in_style(&text, &style);
        let text = source.in_own_line_ends(text);
        (format!("{folder}/{name}.{extension}"), text)
    };
    Some(vec![file("layout", layout), file("not-found", not_found)])
}

/// The root layout. Global styles may speak of the element that the Pages Router puts around
/// a page, and stand on its being there.
fn layout(styles: Vec<String>, language: Option<String>, typescript: bool) -> String {
    let mut text = String::new();
    for style in &styles {
        text.push_str(&format!("import '{style}'%;%\n"));
    }
    let typed = match typescript {
        true => {
            text.push_str("import type { ReactNode } from 'react'%;%\n");
            ": { children: ReactNode }"
        }
        false => "",
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let language = language.map_or(String::new(), |language| format!(" lang=\"{language}\""));
    let body = match styles.is_empty() {
        true => "      <body>{children}</body>\n",
        false => BODY_WITH_STYLES,
    };
    text + &format!(
        "export default function RootLayout({{ children }}{typed}) {{\n  return (\n    <html{language}>\n{body}    </html>\n  )%;%\n}}\n"
    )
}

const BODY_WITH_STYLES: &str = "      <body>
        {/* As around the pages of the Pages Router, for the global styles. */}
        <div id=\"__next\">{children}</div>
      </body>
";

/// The text in a style; attributes keep their double quotes.
fn in_style(text: &str, style: &Style) -> String {
    let lines = text.lines().map(|line| {
        let code = line.trim_start_matches(' ');
        let indent = style.indent.repeat((line.len() - code.len()) / 2);
        let code = code.replace('\'', &style.quote.to_string());
        format!("{indent}{}\n", code.replace("%;%", style.semi))
    });
    lines.collect()
}

/// The file of a page of this name.
fn page(project: &Project, app: &App, name: &str) -> Option<String> {
    let pages = app.pages.as_ref()?;
    let extensions = app.config.page_extensions.iter();
    let mut paths = extensions.flat_map(|extension| {
        [
            format!("{pages}/{name}.{extension}"),
            format!("{pages}/{name}/index.{extension}"),
        ]
    });
    paths.find(|path| project.files.contains_key(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{File, NextConfig};

    #[test]
    fn the_page_is_taken_over_by_16_and_by_turbopack() {
        let taken = |next: &str, build: &str, files: &[&str]| {
            let mut project = Project::default();
            for path in files {
                project.files.insert(path.to_string(), File::default());
            }
            let script = format!("{{ \"scripts\": {{ \"build\": \"{build}\" }} }}");
            project.texts.insert("web/package.json".to_string(), script);
            let app = App {
                dir: "web".to_string(),
                depends_on_next: true,
                next: NextVersion::parse(next),
                next_source: String::new(),
                pages: Some("web/pages".to_string()),
                app: Some("web/app".to_string()),
                typescript: true,
                config: NextConfig::default(),
                aliases: Vec::new(),
            };
            matches!(look(&project, &app), NotFound::Lost(_))
        };
        let page = ["web/pages/404.tsx"];
        assert!(taken("16.0.0", "next build", &page));
        assert!(taken("16.0.0", "next build", &["web/pages/404/index.js"]));
        assert!(taken("15.5.0", "tsc && next build --turbopack", &page));
        assert!(!taken("15.5.0", "next build", &page));
        assert!(!taken("14.2.0", "next build --turbo", &page));
        assert!(taken("16.0.0", "next build", &["web/pages/_error.tsx"]));
        assert!(!taken("16.0.0", "next build", &["web/pages/index.tsx"]));
        assert!(!taken(
            "16.0.0",
            "next build",
            &[page[0], "web/app/page.tsx"]
        ));
    }
}
