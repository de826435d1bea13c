//! Parses an expression by the strength of its operators.

use super::lexer::{Token, TokenKind, tokens};
use super::syntax::{Mistake, Name, Operator, Syntax, SyntaxKind};

/// Brackets, operators and steps may be nested that deep.
const MAX_DEPTH: usize = 100;
/// An expression of more steps and operators than this is refused.
const MAX_TOKENS: usize = 2000;

/// Parses a whole expression.
pub(in super::super) fn parse(text: &str) -> Result<Syntax, Mistake> {
    let tokens = tokens(text)?;
    if tokens.len() > MAX_TOKENS {
        return Err(Mistake::new("the expression is too long", 0..text.len()));
    }
    if tokens.len() == 1 {
        return Err(Mistake::new("the expression is empty", 0..text.len()));
    }
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let parsed = parser.operators(0)?;
    match parser.peek().kind {
        TokenKind::End => Ok(parsed),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Sign(found) if found == sign)
    }

    fn expect(&mut self, sign: &str) -> Result<Token, Mistake> {
        if self.is_sign(sign) { Ok(self.take()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, expected: &str) -> Mistake {
        let token = self.peek();
        let message = match &token.kind {
            TokenKind::End => format!("the expression ends where {expected} is expected"),
            TokenKind::Sign(sign) => format!("`{sign}` where {expected} is expected"),
            TokenKind::Name(name) => format!("`{name}` where {expected} is expected"),
            _ => format!("expected {expected}"),
        };
        Mistake::new(message, token.span.clone())
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        if self.depth == MAX_DEPTH {
            return Err(Mistake::new("the expression is nested too deep", self.peek().span.clone()));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// An expression of operators that bind more tightly than `weakest`.
    fn operators(&mut self, weakest: u8) -> Result<Syntax, Mistake> {
        let mut left = self.deeper(Self::sign)?;
        let mut count = 0;
        while let Some(operator) = self.operator()?.filter(|operator| operator.strength() > weakest) {
            // Operators that follow each other are nested in the tree.
            count += 1;
            if count > MAX_DEPTH {
                return Err(Mistake::new("too many operators in a row", self.peek().span.clone()));
            }
            self.next += 1;
            let right = self.deeper(|parser| parser.operators(operator.strength()))?;
            let span = left.span.start..right.span.end;
            left = Syntax { kind: SyntaxKind::Binary(operator, Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    /// The operator that comes next.
    fn operator(&self) -> Result<Option<Operator>, Mistake> {
        let token = self.peek();
        let refuse = |text: &str, help: &str| {
            Err(Mistake::new(format!("views cannot use `{text}`"), token.span.clone()).with_help(help))
        };
        let operator = match &token.kind {
            TokenKind::Name(name) => match name.as_str() {
                "and" => Operator::And,
                "or" => Operator::Or,
                "xor" => Operator::Xor,
                "implies" => Operator::Implies,
                "div" => Operator::Quotient,
                "mod" => Operator::Remainder,
                "is" => return refuse(name, "write `.ofType(TYPE).exists()`"),
                "as" => return refuse(name, "write `.ofType(TYPE)`"),
                "in" | "contains" => return refuse(name, "write `list.where($this = value).exists()`"),
                _ => return Ok(None),
            },
            TokenKind::Sign(sign) => match *sign {
                "=" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                "|" => Operator::Union,
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "&" => Operator::Concatenate,
                "*" => Operator::Multiply,
                "/" => Operator::Divide,
                "~" | "!~" => return refuse(sign, "compare with `=` or `!=`"),
                "!" => return refuse(sign, "write `.not()`"),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(operator))
    }

    fn sign(&mut self) -> Result<Syntax, Mistake> {
        if self.is_sign("-") || self.is_sign("+") {
            let sign = self.take();
            let value = self.deeper(Self::sign)?;
            if matches!(sign.kind, TokenKind::Sign("+")) {
                return Ok(value);
            }
            let span = sign.span.start..value.span.end;
            return Ok(Syntax { kind: SyntaxKind::Negative(Box::new(value)), span });
        }
        self.steps()
    }

    /// A term and what follows it after points and in brackets.
    fn steps(&mut self) -> Result<Syntax, Mistake> {
        let mut value = self.term()?;
        let mut count = 0;
        while self.is_sign(".") || self.is_sign("[") {
            count += 1;
            if count > MAX_DEPTH {
                return Err(Mistake::new("the path has too many steps", self.peek().span.clone()));
            }
            let start = value.span.start;
            if self.take().kind == TokenKind::Sign("[") {
                let index = self.deeper(|parser| parser.operators(0))?;
                let end = self.expect("]")?.span.end;
                value =
                    Syntax { kind: SyntaxKind::Index(Box::new(value), Box::new(index)), span: start..end };
            } else {
                value = self.invocation(Some(value))?;
            }
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<Syntax, Mistake> {
        let token = self.peek().clone();
        let kind = match token.kind {
            TokenKind::Literal(literal) => SyntaxKind::Literal(literal),
            TokenKind::Variable(name) => SyntaxKind::Variable(name),
            TokenKind::This => SyntaxKind::This,
            TokenKind::Name(_) | TokenKind::QuotedName(_) => return self.invocation(None),
            TokenKind::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(|parser| parser.operators(0))?;
                let end = self.expect(")")?.span.end;
                return Ok(Syntax { kind: inner.kind, span: token.span.start..end });
            }
            TokenKind::Sign("{") => {
                self.next += 1;
                let end = self.expect("}")?.span.end;
                return Ok(Syntax { kind: SyntaxKind::Empty, span: token.span.start..end });
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.next += 1;
        Ok(Syntax { kind, span: token.span })
    }

    /// The name of an element, or a call.
    fn invocation(&mut self, on: Option<Syntax>) -> Result<Syntax, Mistake> {
        let token = self.peek().clone();
        let start = on.as_ref().map_or(token.span.start, |on| on.span.start);
        let on = on.map(Box::new);
        let name = match token.kind {
            TokenKind::Name(text) | TokenKind::QuotedName(text) => Name { text, span: token.span },
            TokenKind::This if on.is_some() => {
                return Err(self
                    .unexpected("a name")
                    .with_help("`$this` stands alone: `where($this = 'x')`"));
            }
            _ => return Err(self.unexpected("a name")),
        };
        self.next += 1;
        if !self.is_sign("(") {
            let span = start..name.span.end;
            return Ok(Syntax { kind: SyntaxKind::Member(on, name), span });
        }
        self.next += 1;
        let mut arguments = Vec::new();
        while !self.is_sign(")") {
            arguments.push(self.deeper(|parser| parser.operators(0))?);
            if !self.is_sign(",") {
                break;
            }
            self.next += 1;
        }
        let end = self.expect(")")?.span.end;
        Ok(Syntax { kind: SyntaxKind::Call(on, name, arguments), span: start..end })
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::Literal;
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    /// The tree with all brackets.
    fn shown(syntax: &Syntax) -> String {
        let of = |on: &Option<Box<Syntax>>| on.as_ref().map(|on| shown(on) + ".").unwrap_or_default();
        match &syntax.kind {
            SyntaxKind::Empty => "{}".to_owned(),
            SyntaxKind::Literal(Literal::Text(text)) => format!("{text:?}"),
            SyntaxKind::Literal(Literal::Number(text)) => text.clone(),
            SyntaxKind::Literal(literal) => format!("{literal:?}"),
            SyntaxKind::This => "$this".to_owned(),
            SyntaxKind::Variable(name) => format!("%{name}"),
            SyntaxKind::Member(on, name) => of(on) + &name.text,
            SyntaxKind::Call(on, name, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(shown).collect();
                format!("{}{}({})", of(on), name.text, arguments.join(", "))
            }
            SyntaxKind::Index(list, index) => format!("{}[{}]", shown(list), shown(index)),
            SyntaxKind::Negative(value) => format!("-{}", shown(value)),
            SyntaxKind::Binary(operator, left, right) => {
                format!("({} {} {})", shown(left), operator.text(), shown(right))
            }
        }
    }

    #[test]
    fn operators_bind_by_their_strength() {
        for (text, expected) in [
            ("a or b and c = d", "(a or (b and (c = d)))"),
            ("a = 1 + 2 * 3", "(a = (1 + (2 * 3)))"),
            ("1 - 2 - 3", "((1 - 2) - 3)"),
            ("a | b = c", "((a | b) = c)"),
            ("a implies b or c", "(a implies (b or c))"),
            ("-a.b + 1", "(-a.b + 1)"),
            (
                "name.where(use = 'official' or x).given[0]",
                "name.where(((use = \"official\") or x)).given[0]",
            ),
            ("(a or b).not()", "(a or b).not()"),
            ("text.div", "text.div"),
            ("%a + %`b c`", "(%a + %b c)"),
            ("a /* comment */ . b // end", "a.b"),
            ("1.5.lowBoundary()", "1.5.lowBoundary()"),
            (r"'it\'s \u00e9'", "\"it's é\""),
            ("{}", "{}"),
        ] {
            assert_eq!(parse(text).map(|parsed| shown(&parsed)), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, message, start) in [
            ("", "the expression is empty", 0),
            ("@@", "this is not a date or time", 0),
            ("a.", "the expression ends where a name is expected", 2),
            ("a b", "`b` where an operator or the end is expected", 2),
            ("a = 'x", "the string has no end", 4),
            ("a = \"x\"", "strings are written between single quotes", 4),
            ("a.where(b", "the expression ends where `)` is expected", 9),
            ("a ~ b", "views cannot use `~`", 2),
            ("a is Patient", "views cannot use `is`", 2),
            ("$index", "`$index` is not available in views", 0),
            ("a ? b", "`?` means nothing here", 2),
            ("@2020-02-30", "this is not a date or time", 0),
        ] {
            let mistake = parse(text).expect_err(text);
            assert_eq!((mistake.message.as_str(), mistake.span.start), (message, start), "{text}");
        }
    }

    #[test]
    fn deep_and_long_expressions_are_refused() {
        for text in ["(".repeat(100_000), "-".repeat(100_000), "a.".repeat(900) + "a", "a+".repeat(900) + "a"]
        {
            assert!(parse(&text).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-c.()\\[\\]{}'`%$@0-9=<>!|&*/+ \\\\é-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
