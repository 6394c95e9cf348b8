use std::sync::Arc;

use super::*;
use crate::project::{File, Import};

/// A path, a text, and where its specifiers lead.
type Given<'a> = (&'a str, &'a str, &'a [(&'a str, Option<&'a str>)]);

fn project(files: &[Given]) -> Project {
    let mut project = Project::default();
    for (path, text, imports) in files {
        let import = |(specifier, resolved): &(&str, Option<&str>)| Import {
            specifier: specifier.to_string(),
            resolved: resolved.map(str::to_string),
            type_only: false,
            names: None,
            reexport: false,
        };
        let file = File {
            text: Some(Arc::from(*text)),
            imports: imports.iter().map(import).collect(),
            ..File::default()
        };
        project.files.insert(path.to_string(), file);
    }
    project
}

fn plain(text: &str) -> bool {
    let card: Given = (
        "card.tsx",
        "export const Card = (props: { text: string }) => <p>{props.text}</p>",
        &[],
    );
    let hook: Given = (
        "hook.tsx",
        "import { useState } from 'react'; export const Count = () => <p>{useState(0)[0]}</p>",
        &[],
    );
    let page: Given = (
        "pages/404.tsx",
        text,
        &[
            ("../card", Some("card.tsx")),
            ("../hook", Some("hook.tsx")),
            ("./a.module.css", Some("pages/a.module.css")),
            ("./a.css", Some("pages/a.css")),
            ("./a.png", Some("pages/a.png")),
        ],
    );
    is_plain(&project(&[card, hook, page]), "pages/404.tsx")
}

#[test]
fn a_plain_page_shows_the_same_everywhere() {
    for text in [
        "export default function Page() { return <h1>No</h1> }",
        "import type { NextPage } from 'next'; const Page: NextPage = () => <h1>No</h1>; export default Page",
        "import React, { Fragment } from 'react'; import Link from 'next/link'; export default () => <Fragment><Link href='/'>{'a'}</Link></Fragment>",
        "import { Card } from '../card'; import s from './a.module.css'; import img from './a.png'; import Image from 'next/image'; export default function Page() { return <Card text={s.a} /> }",
        "const list = ['a', 'b']; export default function Page() { return <ul>{list.map((one) => <li key={one}>{one}</li>)}</ul> }",
    ] {
        assert!(plain(text), "{text}");
    }
}

#[test]
fn others_are_not_plain() {
    for text in [
        "import { useRouter } from 'next/router'; export default function Page() { return <h1>{useRouter().asPath}</h1> }",
        "import Head from 'next/head'; export default function Page() { return <Head><title>No</title></Head> }",
        "import { Button } from 'antd'; export default function Page() { return <Button /> }",
        "import { Count } from '../hook'; export default function Page() { return <Count /> }",
        "import { Lost } from '../lost'; export default function Page() { return <Lost /> }",
        "import './a.css'; export default function Page() { return <h1>No</h1> }",
        "export default function Page() { return <button onClick={() => 0}>No</button> }",
        "export default function Page() { return <p>{new Date().getFullYear()}</p> }",
        "export default function Page() { return <p>{process.env.NAME}</p> }",
        "export default function Page(props) { return <p>{props.a}</p> }",
        "export default function Page() { return <div><style jsx>{``}</style></div> }",
        "export default function Page() { return <title>No</title> }",
        "export default async function Page() { return <p>{await 1}</p> }",
        "export default class Page { render() { return <p /> } }",
        "export default wrap(() => <p />)",
        "export const getStaticProps = () => ({ props: {} }); export default function Page() { return <p /> }",
        "function Page() { return <p /> } Page.getLayout = (page) => page; export default Page",
        "import * as React from 'react'; export default function Page() { return <p>{React.useId()}</p> }",
        "export default function Page() { return <p",
    ] {
        assert!(!plain(text), "{text}");
    }
}

#[test]
fn an_app_may_add_style_sheets() {
    let styles =
        |text: &str| app_styles(&project(&[("pages/_app.tsx", text, &[])]), "pages/_app.tsx");
    let app = "export default function App({ Component, pageProps }: AppProps) { return <Component {...pageProps} /> }";
    let with = |head: &str| styles(&format!("{head}\n{app}"));
    assert_eq!(
        with("import '../a.css'; import type { AppProps } from 'next/app'; import 'x/b.scss'"),
        Some(vec!["../a.css".to_string(), "x/b.scss".to_string()])
    );
    assert_eq!(
        styles(
            "const App = ({ pageProps, Component }) => (<Component {...pageProps} />); export default App"
        ),
        Some(Vec::new())
    );
    for more in [
        "import '../polyfill'",
        "import { Inter } from 'next/font/google'",
        "import styles from '../a.css'",
        "start()",
        "export const reportWebVitals = () => {}",
    ] {
        assert_eq!(with(more), None, "{more}");
    }
    for other in [
        "export default function App({ Component, pageProps }) { return <Layout><Component {...pageProps} /></Layout> }",
        "export default function App({ Component, pageProps }) { useEffect(go); return <Component {...pageProps} /> }",
        "export default function App({ Component, pageProps, router }) { return <Component {...pageProps} /> }",
        "export default function App({ Component: C, pageProps }) { return <C {...pageProps} /> }",
        "export default function App({ Component, pageProps }) { return <Component {...pageProps} a={1} /> }",
        "export default function App({ Component, pageProps }) { return <Component>{1}</Component> }",
        "class App {} export default App",
    ] {
        assert_eq!(styles(other), None, "{other}");
    }
}

#[test]
fn a_document_may_set_the_language() {
    let language = |html: &str| {
        let text = format!(
            "import {{ Html, Head, Main, NextScript }} from 'next/document'; export default function Document() {{ return ({html}) }}"
        );
        document_language(
            &project(&[("pages/_document.tsx", &text, &[])]),
            "pages/_document.tsx",
        )
    };
    let rest = "<Head /><body><Main /><NextScript /></body></Html>";
    assert_eq!(
        language(&format!("<Html lang='de'>{rest}")),
        Some(Some("de".to_string()))
    );
    assert_eq!(language(&format!("<Html>{rest}")), Some(None));
    for other in [
        format!("<Html lang={{x}}>{rest}"),
        format!("<Html className='dark'>{rest}"),
        rest.replace("<Head />", "<Html><Head><link /></Head>"),
        format!("<Html>{}", rest.replace("<body>", "<body className='a'>")),
        format!(
            "<Html>{}",
            rest.replace("<Main />", "<Main /><div id='modal' />")
        ),
    ] {
        assert_eq!(language(&other), None, "{other}");
    }
}
