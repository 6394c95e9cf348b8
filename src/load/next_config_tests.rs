use super::*;

fn config(text: &str) -> NextConfig {
    read("next.config.mjs", text)
}

#[test]
fn reads_every_shape_of_export() {
    for text in [
        "export default { basePath: '/docs' }",
        "module.exports = { basePath: '/docs' }",
        "const nextConfig = { basePath: `/docs` }; module.exports = withA(withB(nextConfig))",
        "export default withSentry(withMDX({})({ basePath: '/docs' }), { silent: true })",
        "export default async (phase) => { const c = { basePath: '/docs' }; return c }",
        "module.exports = function config() { if (a) { return { basePath: '/docs' } } return {} }",
        "const base = '/docs'; const c = {}; c.basePath = base; export default c",
        "const shared = { basePath: '/docs' }; export default { ...shared }",
        "module.exports = () => plugins.reduce((acc, next) => next(acc), { basePath: '/docs' })",
        "const config = () => ({ basePath: '/docs' }); export default config",
    ] {
        let config = config(text);
        assert_eq!(config.base_path, "/docs", "{text}");
        assert_eq!(config.unread, [""; 0], "{text}");
    }
}

#[test]
fn reads_typescript_and_every_key() {
    let text = "import type { NextConfig } from 'next';\nconst c = { i18n, output: 'export', pageExtensions: ['page.tsx', 'api.ts'], experimental: { dynamicIO: true }, async headers() { return [] }, rewrites: async () => [] } satisfies NextConfig;\nexport default c as NextConfig;";
    let config = read("next.config.ts", text);
    assert!(config.i18n && config.output_export && config.cache_components);
    assert!(config.headers && config.rewrites && !config.redirects);
    assert_eq!(config.page_extensions, ["page.tsx", "api.ts"]);
    assert_eq!(config.unread, [""; 0]);
}

#[test]
fn names_what_it_cannot_read() {
    assert_eq!(
        config("export default { basePath: process.env.BASE }").unread,
        ["basePath"]
    );
    assert_eq!(
        config("import a from './a'; export default { ...a }").unread,
        ["..."]
    );
    assert_eq!(config("export default {").unread, ["..."]);
    assert_eq!(
        config("export default { output: a ? 'export' : undefined }").unread,
        ["output"]
    );
    let text =
        "export default { ...(a && { output: 'standalone' }), ...(b ? { output: 'export' } : {}) }";
    assert_eq!(config(text).unread, ["output"]);
    assert!(!config(text).output_export);
    assert_eq!(config("const a = a; export default a").unread, ["..."]);
    assert!(
        config("export default { i18n: undefined, output: undefined }")
            .unread
            .is_empty()
    );
}

#[test]
fn reads_locales() {
    let locales = |text: &str| config(&format!("module.exports = {{ i18n: {text} }}")).locales;
    assert_eq!(
        locales("{ locales: ['en', 'de'], defaultLocale: 'en' }"),
        ["en", "de"]
    );
    let unknown = [
        "{ locales }",
        "{ locales: [first] }",
        "{ ...more, locales: ['en'] }",
        "i18n",
        "{}",
    ];
    for text in unknown {
        assert_eq!(locales(text), [""; 0], "{text}");
    }
    let twice = "{ locales: ['en'] }, ...(test ? { i18n } : {})";
    assert_eq!(locales(twice), [""; 0]);
}
