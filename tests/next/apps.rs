//! Writes the trees of fixtures as apps that can be built: those that need an app of
//! their own one by one, all others gathered into one.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;

use crate::fixtures::Fixture;
use crate::support::{Tree, write_tree};

/// Writes one app.
pub fn write(app: &Path, trees: &[(&Fixture, &Tree)]) -> Result<()> {
    let tree = match trees {
        [(fixture, tree)] if fixture.settings.solo => alone(tree),
        _ => gather(trees)?,
    };
    std::fs::create_dir_all(app)?;
    write_tree(
        app,
        tree.iter().map(|(path, bytes)| (&path[..], &bytes[..])),
    );
    Ok(())
}

/// A whole project as it is. What the harness needs is added.
fn alone(tree: &Tree) -> Tree {
    let mut tree = tree.clone();
    tree.remove("package-lock.json");
    let has = |tree: &Tree, stem: &str| tree.keys().any(|path| path.starts_with(stem));
    if !has(&tree, "tsconfig.json") && !has(&tree, "jsconfig.json") {
        tree.insert("tsconfig.json".to_string(), tsconfig());
    }
    if !has(&tree, "next.config.") {
        tree.insert(
            "next.config.mjs".to_string(),
            NEXT_CONFIG.as_bytes().to_vec(),
        );
    }
    tree
}

/// What the gathered app has of its own, so that no fixture's is taken.
fn is_supplied(path: &str) -> bool {
    let names = [
        "package.json",
        "package-lock.json",
        "routelift.toml",
        "tsconfig.json",
        "jsconfig.json",
        "next-env.d.ts",
        ".gitignore",
        ".editorconfig",
    ];
    let stems = [
        "next.config.",
        "app/layout.",
        ".prettierrc",
        ".eslintrc",
        "eslint.config.",
    ];
    names.contains(&path) || stems.iter().any(|stem| path.starts_with(stem))
}

/// What speaks for a whole app: a fixture that has it needs an app of its own.
fn is_whole_app(path: &str) -> bool {
    let path = match path.strip_prefix("src/") {
        Some(_) => return true,
        None => path,
    };
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    [
        "middleware",
        "proxy",
        "instrumentation",
        "pages/_app",
        "pages/_document",
        "pages/_error",
        "pages/404",
        "pages/500",
        "app/not-found",
        "app/global-error",
        "app/global-not-found",
        "app/error",
        "app/loading",
        "app/template",
    ]
    .contains(&stem)
}

/// The modules that the program adds to a project: each fixture has its own, under its
/// own name.
const HELPERS: &[&str] = &["api-request", "api-response", "pages-api-bridge"];

fn gather(trees: &[(&Fixture, &Tree)]) -> Result<Tree> {
    let mut app = Tree::new();
    let mut owners: BTreeMap<String, (&str, &[u8])> = BTreeMap::new();
    for (fixture, tree) in trees {
        let name = &fixture.name;
        for (path, bytes) in *tree {
            if is_supplied(path) {
                continue;
            }
            if is_whole_app(path) {
                bail!(
                    "{name}: {path} speaks for a whole app: put \"solo\": true into its fixture.json"
                );
            }
            let (path, renamed) = with_own_helpers(path, bytes, name);
            match owners.get(&path) {
                Some((owner, other)) if other != bytes => {
                    bail!("{owner} and {name} both have {path}: give one of them another name");
                }
                Some(_) => {}
                None => {
                    owners.insert(path.clone(), (name, bytes));
                    app.insert(path, renamed);
                }
            }
        }
    }
    app.insert("app/layout.tsx".to_string(), LAYOUT.as_bytes().to_vec());
    app.insert("tsconfig.json".to_string(), tsconfig());
    app.insert(
        "next.config.mjs".to_string(),
        NEXT_CONFIG.as_bytes().to_vec(),
    );
    app.insert(
        "package.json".to_string(),
        b"{ \"private\": true }\n".to_vec(),
    );
    Ok(app)
}

/// Renames the helpers of one fixture, and what imports them.
fn with_own_helpers(path: &str, bytes: &[u8], fixture: &str) -> (String, Vec<u8>) {
    let mut path = path.to_string();
    let Ok(mut text) = String::from_utf8(bytes.to_vec()) else {
        return (path, bytes.to_vec());
    };
    for helper in HELPERS {
        path = path.replace(&format!("/{helper}."), &format!("/{helper}-{fixture}."));
        for quote in ['\'', '"'] {
            let import = format!("/{helper}{quote}");
            text = text.replace(&import, &format!("/{helper}-{fixture}{quote}"));
        }
    }
    (path, text.into_bytes())
}

const LAYOUT: &str = "import type { ReactNode } from 'react';

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang=\"en\">
      <body>{children}</body>
    </html>
  );
}
";

fn tsconfig() -> Vec<u8> {
    let config = json!({
        "compilerOptions": {
            "target": "ES2022",
            "lib": ["dom", "dom.iterable", "esnext"],
            "allowJs": true,
            "skipLibCheck": true,
            "strict": true,
            "noEmit": true,
            "esModuleInterop": true,
            "module": "esnext",
            "moduleResolution": "bundler",
            "resolveJsonModule": true,
            "isolatedModules": true,
            "jsx": "preserve",
            "incremental": true,
            "plugins": [{ "name": "next" }],
            "paths": { "@/*": ["./*"] },
        },
        "include": ["next-env.d.ts", "**/*.ts", "**/*.tsx", ".next/types/**/*.ts"],
        "exclude": ["node_modules", "**/*.test.*", "**/*.spec.*", "cypress", "e2e"],
    });
    config.to_string().into_bytes()
}

/// Types are checked apart, so that the errors of both sides can be compared.
const NEXT_CONFIG: &str = "export default { typescript: { ignoreBuildErrors: true } };\n";
