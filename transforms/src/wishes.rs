//! What the user wants of routes, by options, comments and the configuration: which wish holds
//! where several speak of one method, and which of them cannot be granted together.

use std::fmt;

use crate::outcome::Place;

/// What is wanted of a route, or of one of its methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is called from outside, so it is never a Server Action.
    External,
    /// It is a Server Action, or is left.
    Action,
    /// Its file stays as it is.
    Keep,
}

impl Way {
    /// Every one, in the order of the configuration.
    pub const ALL: [Way; 3] = [Way::External, Way::Action, Way::Keep];

    /// The word for it in comments and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Way::External => "external",
            Way::Action => "action",
            Way::Keep => "keep",
        }
    }
}

/// Who says so; the later ones count more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An entry of the configuration.
    File(Place),
    /// A comment in the API file.
    Comment(Place),
    /// An option of the command line, as it was given.
    Option(String),
}

impl Origin {
    /// How much it counts.
    fn weight(&self) -> u8 {
        match self {
            Origin::File(_) => 0,
            Origin::Comment(_) => 1,
            Origin::Option(_) => 2,
        }
    }

    /// Where it stands, when that is in a file.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Origin::File(place) | Origin::Comment(place) => Some(place),
            Origin::Option(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Origin::Option(option) => f.write_str(option),
            Origin::File(at) | Origin::Comment(at) => {
                write!(f, "{}:{}:{}", at.file, at.line, at.column)
            }
        }
    }
}

/// One wish for one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The route, as `/api/posts/[id]`.
    pub route: String,
    /// The method in capitals, or all of them.
    pub method: Option<String>,
    /// What is wanted.
    pub way: Way,
    /// Who says so.
    pub origin: Origin,
}

impl Wish {
    /// Whether two wishes of one weight cannot both be granted. What is kept is no action either.
    fn contradicts(&self, other: &Wish) -> bool {
        let meet = self.method.is_none() || other.method.is_none() || self.method == other.method;
        self.route == other.route
            && self.origin.weight() == other.origin.weight()
            && (self.way == Way::Action) != (other.way == Way::Action)
            && meet
    }
}

/// The first two wishes of one weight that cannot both be granted.
pub fn contradiction(wishes: &[Wish]) -> Option<(&Wish, &Wish)> {
    wishes.iter().enumerate().find_map(|(at, wish)| {
        let other = wishes[at + 1..]
            .iter()
            .find(|other| wish.contradicts(other))?;
        Some((wish, other))
    })
}

/// The wishes for one route.
#[derive(Debug, Default, Clone)]
pub struct Wishes(Vec<Wish>);

impl Wishes {
    /// Those among `all` that speak of this route.
    pub fn of<'w>(route: &str, all: impl IntoIterator<Item = &'w Wish>) -> Wishes {
        let own = all.into_iter().filter(|wish| wish.route == route);
        Wishes(own.cloned().collect())
    }

    /// Whether a wish that counts more takes the place of this one.
    fn is_outdone(&self, wish: &Wish) -> bool {
        self.0.iter().any(|other| {
            let same = match wish.way {
                Way::Keep => other.way == Way::Action,
                _ => other.way != wish.way && other.way != Way::Keep,
            };
            let covers = wish.way == Way::Keep
                || other.method.is_none()
                || wish.method.is_some() && other.method == wish.method;
            same && covers && other.origin.weight() > wish.origin.weight()
        })
    }

    /// The wishes that hold.
    pub fn holding(&self) -> impl Iterator<Item = &Wish> {
        self.0.iter().filter(|wish| !self.is_outdone(wish))
    }

    /// Who wants the file to stay as it is.
    pub fn keep(&self) -> Option<&Wish> {
        self.holding().find(|wish| wish.way == Way::Keep)
    }

    /// The Server Actions that are wanted.
    pub fn actions(&self) -> impl Iterator<Item = &Wish> {
        self.holding().filter(|wish| wish.way == Way::Action)
    }

    /// Whether a method must not become a Server Action.
    pub fn is_external(&self, method: &str) -> bool {
        let speaks = |wish: &&Wish| {
            wish.way != Way::Keep && wish.method.as_deref().is_none_or(|own| own == method)
        };
        let strongest = self.0.iter().filter(speaks);
        let strongest = strongest.max_by_key(|wish| wish.origin.weight());
        strongest.is_some_and(|wish| wish.way == Way::External)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(way: Way, method: Option<&str>, weight: u8) -> Wish {
        let place = Place::file_start("a");
        Wish {
            route: "/api/a".to_string(),
            method: method.map(str::to_string),
            way,
            origin: match weight {
                0 => Origin::File(place),
                1 => Origin::Comment(place),
                _ => Origin::Option("--action".to_string()),
            },
        }
    }

    #[test]
    fn options_count_more_than_comments_and_these_more_than_the_file() {
        for weight in [1, 2] {
            let list = vec![
                wish(Way::External, None, 0),
                wish(Way::Action, Some("POST"), weight),
            ];
            assert_eq!(contradiction(&list), None);
            let wishes = Wishes(list);
            assert!(!wishes.is_external("POST") && wishes.is_external("PUT"));
            assert_eq!(wishes.actions().count(), 1);
        }
        let wishes = Wishes(vec![
            wish(Way::Action, Some("POST"), 0),
            wish(Way::External, None, 1),
            wish(Way::Keep, None, 0),
        ]);
        assert!(wishes.is_external("POST"));
        assert_eq!(wishes.actions().count(), 0);
        // What is kept is no action, so that is no contradiction.
        assert!(wishes.keep().is_some());
        let wishes = Wishes(vec![
            wish(Way::Keep, None, 1),
            wish(Way::Action, Some("POST"), 2),
        ]);
        assert!(wishes.keep().is_none());
    }

    #[test]
    fn wishes_of_one_weight_may_contradict() {
        let pair = |a, b| contradiction(&[a, b]).is_some();
        for other in [Way::External, Way::Keep] {
            assert!(pair(wish(Way::Action, None, 0), wish(other, None, 0)));
            assert!(pair(
                wish(Way::Action, Some("POST"), 0),
                wish(other, None, 0)
            ));
        }
        assert!(!pair(
            wish(Way::Action, Some("POST"), 0),
            wish(Way::External, Some("PUT"), 0)
        ));
        assert!(!pair(
            wish(Way::Keep, None, 0),
            wish(Way::External, None, 0)
        ));
    }
}
