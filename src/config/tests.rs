use routelift_transforms::project::{File as SourceFile, NextConfig};
use serde_json::Value;

use super::*;

fn spanned(text: &str) -> Spanned<String> {
    Spanned::new(0..0, text.to_string())
}

/// Every field of the file, so that a new one does not compile without a value here.
fn full() -> File {
    let list = || vec![spanned("/api/a")];
    File {
        accept: vec![spanned("not-found-page")],
        routes: Routes {
            external: list(),
            action: list(),
            keep: list(),
        },
        actions: Actions {
            directory: Some(spanned("app/actions")),
            names: [(spanned("/api/a:POST"), spanned("make"))].into(),
        },
    }
}

/// The names of a table's fields have an entry each in the schema, and the other way round.
fn agrees(table: &Value, schema: &Value, at: &str) {
    let (Some(fields), Some(properties)) = (table.as_object(), schema["properties"].as_object())
    else {
        return;
    };
    let sorted = |keys: &serde_json::Map<String, Value>| -> BTreeSet<String> {
        keys.keys().cloned().collect()
    };
    assert_eq!(sorted(fields), sorted(properties), "{at}");
    assert_eq!(schema["additionalProperties"], false, "{at}");
    for (key, value) in fields {
        let kind = match value {
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            _ => "string",
        };
        let property = &properties[key];
        assert_eq!(property["type"], kind, "{at}.{key}");
        assert!(property["description"].is_string(), "{at}.{key}");
        agrees(value, property, &format!("{at}.{key}"));
    }
}

#[test]
fn the_schema_has_every_field() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    agrees(&serde_json::to_value(full()).unwrap(), &schema, "file");
    let codes = ACCEPTABLE.iter().map(|reason| reason.code());
    let codes: Vec<&str> = codes
        .chain(Note::ALL.iter().map(|note| note.code()))
        .collect();
    let listed = &schema["properties"]["accept"]["items"]["enum"];
    assert_eq!(
        *listed,
        serde_json::json!(codes),
        "the codes in schema.json"
    );
    // It stands in projects, where whatever names a route is a caller.
    assert!(!SCHEMA.contains("/api"));
}

fn project() -> Project {
    let files = [
        "pages/api/posts/index.ts",
        "pages/api/posts/[id].ts",
        "pages/api/hook.ts",
    ];
    Project {
        files: files
            .map(|path| (path.to_string(), SourceFile::default()))
            .into(),
        apps: vec![App {
            dir: String::new(),
            depends_on_next: true,
            next: None,
            next_source: String::new(),
            pages: Some("pages".into()),
            app: None,
            typescript: true,
            config: NextConfig::default(),
            aliases: Vec::new(),
        }],
        ..Project::default()
    }
}

fn read_text(text: &str) -> Result<Said, String> {
    let found = Found {
        path: "routelift.toml".to_string(),
        text: text.to_string(),
    };
    let read = read(&project(), &[Some(found)], &Asked::default(), "web/");
    read.map_err(|error| error.to_string())
}

#[test]
fn entries_become_wishes() {
    let said = read_text(
        "accept = [\"not-found-page\", \"auto-405\"]\n\
         [routes]\nexternal = [\"/api/posts/**:post\", \"/api/gone\"]\nkeep = [\"/api/hook\"]\n\
         [actions]\ndirectory = \"server/actions/\"\nnames = { \"/api/posts:POST\" = \"publish\" }\n",
    )
    .unwrap();
    let settings = &said.settings[0];
    let wishes: Vec<_> = settings
        .wishes
        .iter()
        .map(|wish| (wish.route.as_str(), wish.method.as_deref(), wish.way))
        .collect();
    let expected = [
        ("/api/posts", Some("POST"), Way::External),
        ("/api/posts/[id]", Some("POST"), Way::External),
        ("/api/hook", None, Way::Keep),
    ];
    assert_eq!(wishes, expected);
    assert_eq!(settings.actions.as_deref(), Some("server/actions"));
    assert_eq!(settings.names[0].name, "publish");
    assert_eq!(settings.accept[0].0, Reason::NotFoundPage);
    assert_eq!(said.notes[0][0].0, Note::Auto405);
    let warning = &said.warnings[0];
    assert!(warning.what.starts_with("no API route matches /api/gone"));
    assert_eq!(warning.place.as_ref().unwrap().line, 3);
    assert_eq!(said.warnings.len(), 1);
}

#[test]
fn errors_name_the_place_and_the_mend() {
    for (text, error) in [
        (
            "[routes]\nexternl = []\n",
            "web/routelift.toml:2:1: unknown field `externl`, expected one of `external`, `action`, `keep`",
        ),
        (
            "[routes]\nexternal = \"/api/a\"\n",
            "web/routelift.toml:2:12: invalid type",
        ),
        ("[routes\n", "web/routelift.toml:1:8: "),
        (
            "[routes]\nexternal = [\"api/posts\"]\n",
            "web/routelift.toml:2:13: write a route as /api/posts",
        ),
        (
            "[routes]\naction = [\"/api/posts:SEND\"]\n",
            "web/routelift.toml:2:11: SEND is none of the methods GET",
        ),
        (
            "[routes]\nkeep = [\"/api/posts:POST\"]\n",
            "take the method away",
        ),
        ("accept = [\"auto-406\"]\n", "did you mean auto-405?"),
        ("accept = [\"wrapped-handler\"]\n", "cannot be accepted"),
        ("[actions]\ndirectory = \"../lib\"\n", "inside the app"),
        ("[actions]\ndirectory = \"pages/actions\"\n", "is a page"),
        (
            "[actions.names]\n\"/api/posts\" = \"a\"\n",
            "name the method, too",
        ),
        (
            "[actions.names]\n\"/api/posts:POST\" = \"delete\"\n",
            "no name for a function",
        ),
        (
            "[actions.names]\n\"/api/posts:POST\" = \"a b\"\n",
            "no name for a function",
        ),
        (
            "[routes]\nexternal = [\"/api/**\"]\naction = [\"/api/posts:POST\"]\n",
            "/api/posts cannot be both: external by web/routelift.toml:2:13, and action by web/routelift.toml:3:11",
        ),
    ] {
        let found = read_text(text).unwrap_err();
        assert!(found.contains(error), "{text}\n{found}");
    }
}
