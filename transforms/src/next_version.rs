//! The one table of what each Next.js version has. Code asks for a feature
//! ([`NextVersion::has`]) and never compares versions.

use std::fmt;

/// A Next.js version, as far as it decides what is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextVersion {
    /// Major number, as 15 in 15.2.3.
    pub major: u16,
    /// Minor number, as 2 in 15.2.3.
    pub minor: u16,
}

/// Something that a Next.js version has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `app/**/route.ts` is served. Since 13.2.
    RouteHandlers,
    /// `revalidatePath` of `next/cache`. Since 13.4.
    RevalidatePath,
    /// `draftMode` of `next/headers`. Since 13.4.
    DraftMode,
    /// `'use server'` works without an experimental flag. Since 14.0.
    ServerActions,
    /// `params`, `cookies()`, `headers()` and `draftMode()` are promises. Since 15.0.
    AsyncRequestApis,
    /// `cookies()` gives the store itself. Until 15.0.
    PlainRequestApis,
    /// The store that `cookies()` gives may be used without `await`. Until 16.0; measured on
    /// 15.5.29 and 16.4.6.
    SyncCookies,
    /// A `GET` that reads nothing of the request is prerendered at build time, and `fetch`
    /// results are cached for ever. Until 15.0; measured on 14.2.35.
    StaticGetHandlers,
    /// A header that `next.config` sets replaces a route handler's own, where both were sent
    /// before. Since 15.0; measured on 14.2.35, 15.5.29 and 16.4.6.
    ConfigHeadersReplace,
    /// `req.url` has no search parameter that is named like a path parameter. Since 15.0; measured
    /// on 14.2.35, 15.5.29 and 16.4.6.
    SlugsLeaveUrl,
    /// The first file under `app/` replaces `pages/404` for every unknown URL. Since 16.0;
    /// measured on 16.4.6.
    AppTakesNotFound,
    /// The same, when the app is built by Turbopack. Since 15.0; measured on 15.5.29.
    TurbopackTakesNotFound,
}

/// A major and a minor number.
type Number = (u16, u16);

/// Every feature with the first version that has it and the first that has it no more.
const TABLE: &[(Feature, Number, Option<Number>)] = &[
    (Feature::RouteHandlers, (13, 2), None),
    (Feature::RevalidatePath, (13, 4), None),
    (Feature::DraftMode, (13, 4), None),
    (Feature::ServerActions, (14, 0), None),
    (Feature::AsyncRequestApis, (15, 0), None),
    (Feature::SlugsLeaveUrl, (15, 0), None),
    (Feature::PlainRequestApis, (13, 2), Some((15, 0))),
    (Feature::SyncCookies, (13, 2), Some((16, 0))),
    (Feature::StaticGetHandlers, (13, 2), Some((15, 0))),
    (Feature::ConfigHeadersReplace, (15, 0), None),
    (Feature::AppTakesNotFound, (16, 0), None),
    (Feature::TurbopackTakesNotFound, (15, 0), None),
];

impl NextVersion {
    /// The newest one that the table was measured with.
    pub const NEWEST: NextVersion = NextVersion {
        major: 16,
        minor: u16::MAX,
    };

    /// Reads the first `major.minor` in a version or a range, as `^15.1.0` or `15.x`.
    /// A lone major stands for its newest minor. `None` for `latest`, `canary`, `*` and the like.
    pub fn parse(text: &str) -> Option<NextVersion> {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let mut parts = text[start..].split('.');
        let number = |part: &str| {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            part[..end].parse::<u16>().ok()
        };
        let major = number(parts.next()?)?;
        let minor = parts.next().and_then(number).unwrap_or(u16::MAX);
        Some(NextVersion { major, minor })
    }

    /// Whether this version has the feature.
    pub fn has(self, feature: Feature) -> bool {
        let (_, since, until) = TABLE
            .iter()
            .find(|(listed, _, _)| *listed == feature)
            .expect("every feature stands in the table");
        let this = (self.major, self.minor);
        this >= *since && until.is_none_or(|end| this < end)
    }
}

impl fmt::Display for NextVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor == u16::MAX {
            write!(f, "{}", self.major)
        } else {
            write!(f, "{}.{}", self.major, self.minor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_and_ranges() {
        let version = |text| NextVersion::parse(text).map(|v| (v.major, v.minor));
        assert_eq!(version("15.5.29"), Some((15, 5)));
        assert_eq!(version("^14.2.0-canary.3"), Some((14, 2)));
        assert_eq!(version(">=13"), Some((13, u16::MAX)));
        assert_eq!(version("16.x"), Some((16, u16::MAX)));
        assert_eq!(version("latest"), None);
    }

    #[test]
    fn features_start_and_end() {
        let v = |text| NextVersion::parse(text).unwrap();
        assert!(!v("13.1.6").has(Feature::RouteHandlers));
        assert!(v("13.2.0").has(Feature::RouteHandlers));
        assert!(v("14.2.35").has(Feature::StaticGetHandlers));
        assert!(!v("15.0.0").has(Feature::StaticGetHandlers));
        assert!(v("15.0.0").has(Feature::AsyncRequestApis));
    }
}
