//! `@supabase/ssr`: `createServerClient(url, key, { cookies: { getAll, setAll } })` needs no other
//! form, since the project's own functions reach the request and the response. It hands these
//! headers to `setAll`, and no other (`cookies.ts`, 0.12; before, there were none).

/// The headers that `setAll` is given.
pub const HEADERS: &[&str] = &["Cache-Control", "Expires", "Pragma"];
