//! Clerk 4 to 6: `getAuth(req)` of `@clerk/nextjs/server` takes a `NextRequest` as well as an API
//! request (`RequestLike` in `types/server/types.d.ts`) and stays as it is. Measured on 6.39 with
//! the headers that Clerk's middleware adds, without the middleware itself.

use super::{Call, Read, Takes, Written};

pub fn read(call: &Call) -> Read {
    match (call.module, call.name, &call.node.args[..]) {
        ("@clerk/nextjs/server", "getAuth", [req, ..]) if call.is_request(req) => {
            if !call.is_major("@clerk/nextjs", 4..=6) {
                return call.unsupported("@clerk/nextjs", "getAuth is known of 4 to 6");
            }
            Read::Written(Written {
                takes: Takes::NextRequest,
                ..Written::default()
            })
        }
        _ => Read::Unknown,
    }
}
