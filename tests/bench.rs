//! Times a dry run over a large synthetic project: `cargo bench`. Prints the phases of
//! several runs; the first one may find cold caches.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// How many of each kind of file there are.
const ROUTES: usize = 400;
const COMPONENTS: usize = 4_000;
const MODULES: usize = 4_000;
const RUNS: usize = 5;

fn main() {
    // `cargo test --all-targets` runs this too, to see that it starts.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let scale = if measured { 1 } else { 100 };
    let directory = tempfile::tempdir().expect("a temporary directory");
    generate(directory.path(), scale).expect("the project can be written");
    for _ in 0..if measured { RUNS } else { 1 } {
        let output = Command::new(env!("CARGO_BIN_EXE_routelift"))
            .args(["--timings", "--format", "json"])
            .current_dir(directory.path())
            .output()
            .expect("the program starts");
        assert!(output.status.success());
        println!("{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn generate(root: &Path, scale: usize) -> std::io::Result<()> {
    let put = |path: String, text: String| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        std::fs::write(path, text)
    };
    let package = r#"{"dependencies": {"next": "15.2.0"}}"#;
    put("package.json".into(), package.into())?;
    let paths = r#"{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}"#;
    put("tsconfig.json".into(), paths.into())?;
    for number in 0..ROUTES / scale {
        let text = format!(
            "import type {{ NextApiRequest, NextApiResponse }} from 'next'\n\
             import {{ load{number} }} from '@/lib/group{}/module{number}'\n\n\
             export default async function handler(req: NextApiRequest, res: NextApiResponse) {{\n  \
             if (req.method !== 'POST') return res.status(405).end()\n  \
             const {{ id }} = req.query\n  \
             const result = await load{number}(String(id), req.body)\n  \
             res.status(200).json(result)\n}}\n",
            number % 20
        );
        put(
            format!("src/pages/api/group{}/[id]/route{number}.ts", number % 40),
            text,
        )?;
    }
    for number in 0..COMPONENTS / scale {
        let call = match number % 10 {
            0 => {
                let route = number % (ROUTES / scale);
                format!(
                    "fetch(`/api/group{}/${{id}}/route{route}`, {{ method: 'POST' }})",
                    route % 40
                )
            }
            _ => "Promise.resolve()".to_string(),
        };
        let mut text = format!(
            "'use client'\nimport {{ useState }} from 'react'\n\
             import {{ load{0} }} from '@/lib/group{1}/module{0}'\n\n\
             export function Component{number}({{ id }}: {{ id: string }}) {{\n  \
             const [state, setState] = useState(0)\n  \
             async function act() {{\n    await {call}\n    setState(state + 1)\n  }}\n  return (\n    <div onClick={{act}}>\n",
            number % (MODULES / scale),
            number % (MODULES / scale) % 20,
        );
        for line in 0..60 {
            _ = writeln!(
                text,
                "      <p className=\"line-{line}\">It's line {line} of {{state}}</p>"
            );
        }
        text.push_str("    </div>\n  )\n}\n");
        put(
            format!("src/components/group{}/Component{number}.tsx", number % 50),
            text,
        )?;
    }
    for number in 0..MODULES / scale {
        let mut text = format!(
            "import {{ load{0} as next }} from './module{0}'\n\n",
            (number + 20) % (MODULES / scale)
        );
        for line in 0..80 {
            _ = writeln!(
                text,
                "export const value{line} = {{ id: {line}, name: 'value {line}', next }}"
            );
        }
        _ = writeln!(
            text,
            "export async function load{number}(id: string, body: unknown) {{ return {{ id, body }} }}"
        );
        put(
            format!("src/lib/group{}/module{number}.ts", number % 20),
            text,
        )?;
    }
    Ok(())
}
