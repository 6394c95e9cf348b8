use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::facts::route::Route;
use crate::next_version::NextVersion;
use crate::project::NextConfig;

fn run(file: &str, text: &str) -> Result<String, String> {
    let app = App {
        dir: String::new(),
        depends_on_next: true,
        next: NextVersion::parse("15.5.0"),
        next_source: String::new(),
        pages: Some("pages".to_string()),
        app: None,
        typescript: true,
        config: NextConfig::default(),
        aliases: Vec::new(),
    };
    let project = Project {
        texts: BTreeMap::from([(
            "package.json".to_string(),
            "{ \"dependencies\": { \"next-auth\": \"^4.24.5\" } }".to_string(),
        )]),
        ..Project::default()
    };
    let source = Source::parse(file, Arc::from(text)).unwrap();
    let outline = Outline::read(&source).unwrap();
    let route = Route::of(&app, file).unwrap();
    let around = Surroundings {
        route: &route,
        next: NextVersion::parse("15.5.0").unwrap(),
        cache_components: false,
        pages: &crate::revalidation::Pages::default(),
        helper_specifier: String::new(),
        rebase: &|specifier| format!("../{specifier}"),
        methods: None,
        actions: None,
        names: &crate::shared_forms::Names::All,
    };
    let kitchen = Kitchen {
        outline: &outline,
        around: &around,
        project: &project,
        app: &app,
    };
    match write(&kitchen) {
        Some(Ok(file)) => Ok(file.text),
        Some(Err(refusals)) => Err(refusals[0].detail.clone()),
        None => Err("none".to_string()),
    }
}

const AUTH: &str = "pages/api/auth/[...nextauth].ts";
const TRPC: &str = "pages/api/trpc/[trpc].ts";

#[test]
fn the_recipes_are_sorted() {
    assert!(names().is_sorted());
}

#[test]
fn next_auth_is_exported_by_method() {
    let text = "import NextAuth from 'next-auth';\nimport { options } from '../../../lib/auth';\n\nexport default NextAuth(options);\n";
    same(
        run(AUTH, text),
        "import NextAuth from 'next-auth';\nimport { options } from '../../../../lib/auth';\n\nconst handler = NextAuth(options);\n\nexport { handler as GET, handler as POST };\n",
    );
    let text = "import NextAuth from 'next-auth'\nimport type { NextApiRequest, NextApiResponse } from 'next'\nconst options = {}\n\nexport default (req: NextApiRequest, res: NextApiResponse) => NextAuth(req, res, options)\n";
    same(
        run(AUTH, text),
        "import NextAuth from 'next-auth'\nconst options = {}\n\nconst handler = NextAuth(options)\n\nexport { handler as GET, handler as POST }\n",
    );
    let text = "import NextAuth from 'next-auth'\nexport default (req, res) => NextAuth(req, res, { debug: req.url })\n";
    assert!(run(AUTH, text).unwrap_err().contains("each request"));
}

#[test]
fn trpc_takes_the_fetch_adapter() {
    let text = "import { createNextApiHandler } from '@trpc/server/adapters/next';\nimport { appRouter } from '@/server/router';\n\nexport default createNextApiHandler({\n  router: appRouter,\n  createContext: () => ({}),\n});\n";
    same(
        run(TRPC, text),
        "import { fetchRequestHandler } from '@trpc/server/adapters/fetch';\nimport { appRouter } from '@/server/router';\n\nfunction handler(request: Request) {\n  return fetchRequestHandler({\n    endpoint: '/api/trpc',\n    req: request,\n    router: appRouter,\n    createContext: () => ({}),\n  });\n}\n\nexport { handler as GET, handler as POST };\n",
    );
    let text = "import * as next from '@trpc/server/adapters/next';\nexport default next.createNextApiHandler({ router, createContext: ({ req }) => ({ req }) });\n";
    assert!(run(TRPC, text).unwrap_err().contains("context"));
}

#[test]
fn edge_handlers_keep_their_bodies() {
    let text = "import type { NextRequest } from 'next/server';\n\nexport const config = { runtime: 'edge' };\n\nconst font = fetch(new URL('../font.woff', import.meta.url));\n\nexport default async function (req: NextRequest) {\n  return new Response(req.method);\n}\n";
    same(
        run("pages/api/og.ts", text),
        "import type { NextRequest } from 'next/server';\n\nexport const runtime = 'edge';\n\nconst font = fetch(new URL('../../font.woff', import.meta.url));\n\nasync function handler(req: NextRequest) {\n  return new Response(req.method);\n}\n\nexport {\n  handler as GET,\n  handler as POST,\n  handler as PUT,\n  handler as PATCH,\n  handler as DELETE,\n  handler as OPTIONS,\n};\n",
    );
    let text = "export const config = { runtime: 'edge' };\nexport default (req, event) => new Response('');\n";
    assert!(run("pages/api/og.ts", text).is_err());
}

#[test]
fn yoga_servers_are_wrapped() {
    let text = "import { createSchema, createYoga } from 'graphql-yoga';\n\nexport const config = { api: { bodyParser: false } };\n\nconst schema = createSchema({ typeDefs: 'type Query { a: Int }', resolvers: { Query: { a: () => 1 } } });\n\nexport default createYoga({\n  schema,\n  graphqlEndpoint: '/api/graphql',\n});\n";
    same(
        run("pages/api/graphql.ts", text),
        "import { createSchema, createYoga } from 'graphql-yoga';\n\nconst schema = createSchema({ typeDefs: 'type Query { a: Int }', resolvers: { Query: { a: () => 1 } } });\n\nconst yoga = createYoga({\n  fetchAPI: { Response },\n  schema,\n  graphqlEndpoint: '/api/graphql',\n});\n\nfunction handler(request: Request) {\n  return yoga.handleRequest(request, {});\n}\n\nexport { handler as GET, handler as POST, handler as OPTIONS };\n",
    );
}

#[track_caller]
fn same(found: Result<String, String>, expected: &str) {
    match found {
        Ok(found) => assert_eq!(found, expected, "\n{found}"),
        Err(refusal) => panic!("{refusal}"),
    }
}
