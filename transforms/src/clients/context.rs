//! Where in the code an expression stands: the frames around it, innermost last. The walk
//! pushes them; the clients read them to tell what a URL is used for.

use std::ops::Range;

use swc_core::ecma::ast::Id;

use super::init::Init;

/// One step from the module's top to an expression.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    /// The body of a function.
    Function {
        /// Whether it runs while React renders: a component or a hook.
        render: bool,
    },
    /// The expression that an arrow function is.
    ArrowBody,
    /// An argument of a call or of `new`.
    Argument(Argument),
    /// The value of a JSX attribute.
    Attribute(Attribute),
    /// The value of a property in an object literal.
    Property(String),
    /// What is assigned to a place, as `window.location.href`.
    Assigned(Vec<String>),
    /// The value of a declaration.
    Declared(Declared),
    /// A comparison, or a search in another string.
    Compared,
    /// An element of an array literal.
    Element,
    /// Parentheses, a cast, a branch of a choice: the value goes through.
    Through,
    /// `await`.
    Await,
    /// The whole of an expression statement.
    Statement,
    /// What a function returns.
    Return,
    /// Anything else.
    Other,
}

/// An argument.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// The names of the function, as `["axios", "post"]`; `?` for what is not a name.
    pub callee: Vec<String>,
    /// Whether it is an argument of `new`.
    pub new: bool,
    /// Its position, from 0.
    pub index: usize,
    /// What the argument after it says as an object: method, headers, body.
    pub next: Option<Init>,
    /// What the argument itself says as an object.
    pub own: Option<Init>,
    /// Whether an argument speaks of a method, as a fetcher that is written there.
    pub tells_method: bool,
    /// The first argument, when that is a string: `xhr.open('POST', …)`.
    pub first: Option<String>,
}

impl Argument {
    /// The last name of the function.
    pub fn name(&self) -> &str {
        self.callee.last().map_or("", String::as_str)
    }

    /// The name before the last one: `axios` of `axios.post`.
    pub fn object(&self) -> Option<&str> {
        let index = self.callee.len().checked_sub(2)?;
        self.callee.get(index).map(String::as_str)
    }
}

/// A JSX attribute.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// The element, as `form` or `Link`.
    pub element: String,
    /// The attribute.
    pub name: String,
    /// The element's `method`; `?` when it may have one that is not known.
    pub method: Option<String>,
    /// The element's `encType`.
    pub encoding: Option<String>,
}

/// A declaration with a value.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// The name, when it is one name.
    pub id: Option<Id>,
    /// Whether other modules can see it.
    pub exported: bool,
    /// The object pattern that takes it apart.
    pub pattern: Option<Range<usize>>,
    /// The names taken out of it, when it is an object pattern of plain names.
    pub fields: Option<Vec<(String, Range<usize>)>>,
    /// The annotation with its colon.
    pub annotation: Option<(Range<usize>, String)>,
    /// Whether its statement declares nothing else.
    pub alone: bool,
    /// The whole statement.
    pub statement: Range<usize>,
}

/// The frames around an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'f>(pub &'f [Frame]);

impl<'f> Context<'f> {
    /// The nearest frame that does something with the value.
    pub fn use_of(self) -> Option<&'f Frame> {
        self.0
            .iter()
            .rev()
            .find(|frame| !matches!(frame, Frame::Through))
    }

    /// The argument that the expression is, directly, in an array, or as a property of an
    /// options object, with the property's name.
    pub fn argument(self) -> Option<(&'f Argument, Option<&'f str>)> {
        let mut property = None;
        for frame in self.0.iter().rev() {
            match frame {
                Frame::Through | Frame::Element => {}
                Frame::Property(name) if property.is_none() => property = Some(name.as_str()),
                Frame::Argument(argument) => return Some((argument, property)),
                _ => return None,
            }
        }
        None
    }

    /// Whether the expression is the value of a property of this name, or in a list that is.
    pub fn within_property(self, wanted: &str) -> bool {
        self.0
            .iter()
            .rev()
            .find(|frame| !matches!(frame, Frame::Through | Frame::Element))
            .is_some_and(|frame| matches!(frame, Frame::Property(name) if name == wanted))
    }

    /// The frames outside the nearest function, and whether that function renders.
    pub fn function(self) -> Option<(Context<'f>, bool)> {
        let at = self
            .0
            .iter()
            .rposition(|frame| matches!(frame, Frame::Function { .. }))?;
        let Frame::Function { render } = self.0[at] else {
            return None;
        };
        Some((Context(&self.0[..at]), render))
    }
}
