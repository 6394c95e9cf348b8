//! The program: the only part that prints.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ColorChoice;
use routelift::cli::{self, Output};
use routelift::report::{Look, clean, guarded};

/// Bytes of stack for every thread: the parser recurses as deep as the source nests.
const STACK: usize = 256 * 1024 * 1024;

fn main() -> ExitCode {
    // Without a pool of its own the work would still be done, on smaller stacks.
    let _ = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK)
        .build_global();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let looks = |colour| {
            let stdout = look(&std::io::stdout(), colour);
            (stdout, look(&std::io::stderr(), colour))
        };
        // Nobody has to read it.
        let progress = |what: &str| _ = writeln!(std::io::stderr(), "{}", clean(what));
        cli::run(std::env::args_os(), looks, &progress)
    });
    let output = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(output)) => output,
        // A panic has printed itself.
        _ => return ExitCode::from(2),
    };
    match print(&output) {
        Ok(()) => ExitCode::from(output.code),
        Err(_) => ExitCode::from(2),
    }
}

/// Prints both streams; a pipe that was closed at the other end is no error.
fn print(output: &Output) -> std::io::Result<()> {
    let forgiving = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    };
    let shown = |text: &str, terminal: bool| match terminal {
        true => guarded(text).into_bytes(),
        false => text.as_bytes().to_vec(),
    };
    let mut stdout = std::io::stdout().lock();
    let text = shown(&output.stdout, stdout.is_terminal());
    forgiving(stdout.write_all(&text).and_then(|()| stdout.flush()))?;
    let mut stderr = std::io::stderr().lock();
    let text = shown(&output.stderr, stderr.is_terminal());
    forgiving(stderr.write_all(&text))
}

fn look(stream: &impl RawStream, colour: ColorChoice) -> Look {
    let terminal = stream.is_terminal();
    let colour = match colour {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    };
    let columns = terminal_size::terminal_size().filter(|_| terminal);
    let width = columns.map_or(80, |(width, _)| usize::from(width.0));
    Look {
        colour,
        terminal,
        width: width.clamp(60, 120),
    }
}
