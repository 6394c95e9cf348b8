//! request-ip 2 and 3: `getClientIp(req)` reads headers by their names, and asks the socket
//! only where no header tells. Next.js sets `x-forwarded-for` to the socket's address before
//! any handler runs (`base-server.ts`), so that the headers alone give the same answer.

use super::{Call, Piece, Read, Takes, Written};

pub fn read(call: &Call) -> Read {
    match (call.name, &call.node.args[..]) {
        ("getClientIp", [req]) if call.is_request(req) => {
            if !call.is_major("request-ip", 2..=3) {
                return call.unsupported("request-ip", "getClientIp is known of 2 and 3");
            }
            let headers = vec![
                Piece::text("{ headers: Object.fromEntries("),
                Piece::Request,
                Piece::text(".headers) }"),
            ];
            Read::Written(Written {
                edits: vec![(call.source.range(req), headers)],
                takes: Takes::Request,
                ..Written::default()
            })
        }
        _ => Read::Unknown,
    }
}
