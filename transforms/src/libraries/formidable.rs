//! formidable 3 and multiparty 4: `form.parse(req)` and `form.parse(req, callback)`.
//!
//! They read a Node.js stream that has headers, and nothing else of the request, so that they get
//! the body of the web `Request` as such a stream: limits, errors, fields and temporary files stay
//! the library's own. formidable 2 requires its plugins by computed paths, which a bundle does not
//! hold, so that a route handler fails when it makes a form (measured on Next.js 14); 1 replaces
//! `require` itself. No adapter would mend that.

use super::{Call, Piece, Read, Takes, Written};

/// formidable 3.
pub fn read(call: &Call) -> Read {
    if !parses(call) {
        return Read::Unknown;
    }
    if call.is_major("formidable", 1..=2) {
        return Read::Unbundled(call.refusal("formidable", "only 3 can be bundled"));
    }
    parse(call, "formidable", 3)
}

/// multiparty 4.
pub fn multiparty(call: &Call) -> Read {
    match parses(call) {
        true => parse(call, "multiparty", 4),
        false => Read::Unknown,
    }
}

/// Whether a call is `form.parse(req)` or `form.parse(req, callback)`.
fn parses(call: &Call) -> bool {
    let args = &call.node.args;
    let req = args.first().is_some_and(|arg| call.is_request(arg));
    req && args.len() <= 2 && call.name == "parse"
}

fn parse(call: &Call, package: &str, major: u16) -> Read {
    if !call.is_major(package, major..=major) {
        return call.unsupported(package, &format!("form.parse is only known of {major}"));
    }
    let req = call.source.range(&call.node.args[0]);
    Read::Written(Written {
        edits: vec![(req, vec![Piece::NodeRequest])],
        takes: Takes::Request,
        reads_body: true,
        streams: true,
        ..Written::default()
    })
}
