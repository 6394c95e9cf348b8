//! Lets `routelift verify` compare the demo, as a user would.

use anyhow::{Context, Result, ensure};
use routelift::verify::copy::{Installed, copy};
use serde_json::{Value, json};

use crate::support::{output, read_tree, repository, routelift, text};
use crate::tools::Version;

/// Runs `routelift verify` on a copy of the demo, with the demo's own requests and one
/// that names a wrong note. Only that one may fail, and the copy must stay as it is.
pub fn demo(version: &Version) -> Result<()> {
    println!("Next.js {}: routelift verify", version.full);
    let folder = tempfile::tempdir()?;
    let demo = folder.path().join("demo");
    let projects = repository().join("fixtures/projects");
    copy(&projects.join("guestbook"), &demo, Installed::Linked)?;
    if !demo.join("node_modules").exists() {
        copy(
            &version.directory.join("node_modules"),
            &demo.join("node_modules"),
            Installed::Linked,
        )?;
    }
    let sources = || {
        let mut tree = read_tree(&demo);
        tree.retain(|path, _| !path.starts_with("node_modules/"));
        tree
    };
    let before = sources();

    let list = std::fs::read_to_string(projects.join("guestbook.requests.json"))?;
    let mut list: Vec<Value> = serde_json::from_str(&list)?;
    list.push(json!({ "name": "planted", "path": "/api/entries", "notes": ["auto-405"] }));
    let requests = folder.path().join("requests.json");
    std::fs::write(&requests, Value::from(list).to_string())?;

    let mut command = routelift(folder.path());
    command
        .args(["verify", "demo", "--format", "json", "--requests"])
        .arg(&requests);
    let output = output(&mut command);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    ensure!(
        output.status.code() == Some(1),
        "verify: {}\n{stderr}{stdout}",
        output.status
    );
    let verdict: Value = serde_json::from_str(&stdout).context("verify prints JSON")?;
    let compared = verdict["requests"]
        .as_array()
        .context("verify lists requests")?;
    let failed: Vec<&Value> = compared
        .iter()
        .filter(|request| request["fine"] != true)
        .collect();
    let only_planted = failed.len() == 1 && failed[0]["name"] == "planted";
    ensure!(
        only_planted,
        "verify finds other differences than the planted one: {failed:#?}"
    );
    let actions = verdict["actions"]
        .as_object()
        .context("verify lists actions")?;
    ensure!(
        compared.len() > 40 && !actions.is_empty(),
        "verify compares too little: {stdout}"
    );
    ensure!(sources() == before, "verify changed the project");
    Ok(())
}
