//! Goes through what a text is read as.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CallType, Const, Expr, Filter, Stmt};

use super::{FILTERS, FUNCTIONS, Kind, OF_LEADS, TESTS, Tongue};

/// What is wrong, if anything.
type Told = Result<(), String>;

/// What is known on the way.
pub(super) struct Walk<'a> {
    tongue: Tongue,
    /// The macros of the text.
    macros: BTreeSet<&'a str>,
    /// The names that blocks of `set` fill.
    written: BTreeSet<&'a str>,
    /// The names of the blocks.
    blocks: BTreeSet<&'a str>,
    /// How many loops are around this place.
    loops: usize,
    /// How many macros are around this place.
    in_macros: usize,
    /// The names that nobody fills.
    unknown: &'a BTreeSet<String>,
    asked_about: BTreeSet<&'a str>,
    needed: Vec<&'a str>,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// It is printed as it is.
    Printed,
    /// It is asked whether there is something.
    Asked,
    /// Something is made of it.
    Used,
}

/// The bodies within a statement.
fn bodies<'s, 'a>(statement: &'s Stmt<'a>) -> Vec<&'s [Stmt<'a>]> {
    match statement {
        Stmt::Template(template) => vec![&template.children],
        Stmt::ForLoop(each) => vec![&each.body, &each.else_body],
        Stmt::IfCond(cond) => vec![&cond.true_body, &cond.false_body],
        Stmt::WithBlock(with) => vec![&with.body],
        Stmt::SetBlock(set) => vec![&set.body],
        Stmt::AutoEscape(block) => vec![&block.body],
        Stmt::FilterBlock(block) => vec![&block.body],
        Stmt::Block(block) => vec![&block.body],
        Stmt::Macro(made) => vec![&made.body],
        Stmt::CallBlock(call) => vec![&call.macro_decl.body],
        _ => Vec::new(),
    }
}

impl<'a> Walk<'a> {
    pub(super) fn over(
        read: &Stmt<'a>,
        tongue: Tongue,
        unknown: &'a BTreeSet<String>,
    ) -> Result<Option<String>, String> {
        let mut walk = Self {
            tongue,
            macros: BTreeSet::new(),
            written: BTreeSet::new(),
            blocks: BTreeSet::new(),
            loops: 0,
            in_macros: 0,
            unknown,
            asked_about: BTreeSet::new(),
            needed: Vec::new(),
        };
        walk.collect(read);
        walk.statement(read)?;
        Ok(walk.needed.iter().find(|name| !walk.asked_about.contains(*name)).map(|name| (*name).to_owned()))
    }

    fn collect(&mut self, statement: &Stmt<'a>) {
        match statement {
            Stmt::Macro(made) => drop(self.macros.insert(made.name)),
            Stmt::Block(block) => drop(self.blocks.insert(block.name)),
            Stmt::SetBlock(set) => {
                if let Expr::Var(name) = &set.target {
                    self.written.insert(name.id);
                }
            }
            _ => {}
        }
        for body in bodies(statement) {
            for statement in body {
                self.collect(statement);
            }
        }
    }

    fn all(&mut self, body: &[Stmt<'a>]) -> Told {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'a>) -> Told {
        match statement {
            Stmt::EmitExpr(emit) => self.expr(&emit.expr, Spot::Printed),
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr, Spot::Asked)?;
                self.all(&cond.true_body)?;
                self.all(&cond.false_body)
            }
            Stmt::ForLoop(each) => {
                self.expr(&each.iter, Spot::Used)?;
                self.loops += 1;
                let inside = self.maybe(each.filter_expr.as_ref(), Spot::Asked).and_then(|()| self.all(&each.body));
                self.loops -= 1;
                inside?;
                self.all(&each.else_body)
            }
            Stmt::WithBlock(with) => {
                with.assignments.iter().try_for_each(|(_, value)| self.expr(value, Spot::Used))?;
                self.all(&with.body)
            }
            Stmt::Set(set) => self.expr(&set.expr, Spot::Used),
            Stmt::SetBlock(set) => {
                if let Some(Expr::Filter(filter)) = &set.filter {
                    self.whole_block(filter)?;
                }
                self.all(&set.body)
            }
            Stmt::FilterBlock(block) => {
                if let Expr::Filter(filter) = &block.filter {
                    self.whole_block(filter)?;
                }
                self.all(&block.body)
            }
            Stmt::Macro(made) => {
                made.defaults.iter().try_for_each(|value| self.expr(value, Spot::Used))?;
                self.macro_body(&made.body)
            }
            Stmt::CallBlock(block) => {
                self.call(&block.call, Spot::Printed)?;
                self.all(&block.macro_decl.body)
            }
            Stmt::Do(made) => self.call(&made.call, Spot::Used),
            Stmt::Import(_) | Stmt::FromImport(_) | Stmt::Extends(_) | Stmt::Include(_) => {
                Err("a text can't take in another: there is no include, import, from or extends".into())
            }
            other => bodies(other).into_iter().try_for_each(|body| self.all(body)),
        }
    }

    fn macro_body(&mut self, body: &[Stmt<'a>]) -> Told {
        // A macro does not see the loop that it stands in.
        let loops = std::mem::take(&mut self.loops);
        self.in_macros += 1;
        let told = self.all(body);
        self.in_macros -= 1;
        self.loops = loops;
        told
    }

    /// A filter of all that a block has written, in which values are escaped already.
    fn whole_block(&mut self, filter: &Filter<'a>) -> Told {
        self.filter_is_there(filter.name)?;
        self.arguments(&filter.args)?;
        if self.tongue.kind == Kind::Words {
            return Ok(());
        }
        let name = filter.name;
        Err(format!(
            "the filter \"{name}\" of a whole block would change what is escaped in it: write it in each placeholder, as \
             {{{{ name | {name} }}}}"
        ))
    }

    fn maybe(&mut self, expr: Option<&Expr<'a>>, spot: Spot) -> Told {
        expr.map_or(Ok(()), |expr| self.expr(expr, spot))
    }

    fn arguments(&mut self, args: &[CallArg<'a>]) -> Told {
        args.iter().try_for_each(|arg| match arg {
            CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                self.expr(expr, Spot::Used)
            }
        })
    }

    fn expr(&mut self, expr: &Expr<'a>, spot: Spot) -> Told {
        match expr {
            Expr::Var(var) => self.name(var.id, spot),
            Expr::Const(_) => Ok(()),
            Expr::Filter(filter) => self.filter(filter, spot),
            Expr::Test(test) => {
                if !TESTS.contains(&test.name) && !is_operator(test.name) {
                    return Err(there_is_no("test", test.name, &TESTS));
                }
                if matches!(test.name, "defined" | "undefined") {
                    self.asked_about.extend(root(&test.expr));
                }
                self.expr(&test.expr, Spot::Asked)?;
                self.arguments(&test.args)
            }
            Expr::Call(call) => self.call(call, spot),
            Expr::IfExpr(either) => {
                self.expr(&either.test_expr, Spot::Asked)?;
                self.expr(&either.true_expr, spot)?;
                self.maybe(either.false_expr.as_ref(), spot)
            }
            Expr::BinOp(both) => {
                let spot = match both.op {
                    BinOpKind::ScAnd | BinOpKind::ScOr => spot,
                    // What is written is joined as it is, and the rest is escaped.
                    BinOpKind::Concat if spot == Spot::Printed => spot,
                    _ => Spot::Used,
                };
                self.expr(&both.left, spot)?;
                self.expr(&both.right, spot)
            }
            Expr::UnaryOp(one) => self.expr(&one.expr, if spot == Spot::Printed { Spot::Asked } else { spot }),
            Expr::GetAttr(part) => self.expr(&part.expr, Spot::Used),
            Expr::GetItem(part) => {
                self.expr(&part.expr, Spot::Used)?;
                self.expr(&part.subscript_expr, Spot::Used)
            }
            Expr::Slice(slice) => {
                self.expr(&slice.expr, Spot::Used)?;
                [&slice.start, &slice.stop, &slice.step]
                    .into_iter()
                    .try_for_each(|bound| self.maybe(bound.as_ref(), Spot::Used))
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr, Spot::Used)?;
                compare.ops.iter().try_for_each(|op| self.expr(&op.expr, Spot::Used))
            }
            Expr::List(list) => list.items.iter().try_for_each(|item| self.expr(item, Spot::Used)),
            Expr::Tuple(list) => list.items.iter().try_for_each(|item| self.expr(item, Spot::Used)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).try_for_each(|item| self.expr(item, Spot::Used)),
        }
    }

    fn name(&mut self, name: &'a str, spot: Spot) -> Told {
        if self.unknown.contains(name) {
            if name == "loop" {
                let is_within = self.loops > 0;
                return is_within.then_some(()).ok_or_else(|| "\"loop\" is there within {% for %} only".to_owned());
            }
            self.needed.push(name);
        }
        if self.written.contains(name) {
            return self.as_it_is(spot, name);
        }
        Ok(())
    }

    /// Refuses that something is made of what has its values escaped already.
    fn as_it_is(&self, spot: Spot, what: &str) -> Told {
        let is_right = match self.tongue.kind {
            Kind::Words => true,
            Kind::Html => spot != Spot::Used,
            // A mark is something, even where it stands for nothing.
            Kind::Form => spot == Spot::Printed,
        };
        if is_right {
            return Ok(());
        }
        Err(format!(
            "what \"{what}\" writes is escaped already and can only be printed: nothing can be made of it or be compared with it"
        ))
    }

    fn filter_is_there(&self, name: &str) -> Told {
        let is_of_leads = self.tongue.is_for_leads && OF_LEADS.contains(&name);
        if FILTERS.contains(&name) || is_of_leads {
            return Ok(());
        }
        let all: Vec<&str> =
            FILTERS.into_iter().chain(OF_LEADS.into_iter().filter(|_| self.tongue.is_for_leads)).collect();
        Err(there_is_no("filter", name, &all))
    }

    fn filter(&mut self, filter: &Filter<'a>, spot: Spot) -> Told {
        self.filter_is_there(filter.name)?;
        self.names_in_arguments(filter)?;
        let of = filter.expr.as_ref();
        match filter.name {
            "default" | "d" => {
                // Of a name that nobody fills, too: that it may be missing is known.
                let is_unknown = of.and_then(root).is_some_and(|name| name != "loop" && self.unknown.contains(name));
                if !is_unknown {
                    self.maybe(of, spot)?;
                }
                filter.args.iter().try_for_each(|arg| match arg {
                    CallArg::Pos(expr) => self.expr(expr, spot),
                    other => self.arguments(std::slice::from_ref(other)),
                })
            }
            "safe" if self.tongue.is_for_leads && self.tongue.kind == Kind::Html => match of {
                Some(Expr::Const(_)) => Ok(()),
                Some(other) if self.is_written(other) => self.expr(other, spot),
                _ => Err("| safe would put what anybody may have said of a lead into the mail as HTML: leave it out, and write the \
                          tags themselves into the script"
                    .into()),
            },
            "urlencode" | "tojson" | "safe" | "e" | "escape" if self.tongue.kind == Kind::Form => {
                self.as_it_is(spot, filter.name)?;
                let is_as_it_is = matches!(filter.name, "safe" | "e" | "escape");
                self.maybe(of, if is_as_it_is { spot } else { Spot::Used })?;
                self.arguments(&filter.args)
            }
            _ => {
                self.maybe(of, Spot::Used)?;
                self.arguments(&filter.args)
            }
        }
    }

    /// Whether an expression is what a macro or a block of `set` has written.
    fn is_written(&self, expr: &Expr<'a>) -> bool {
        match expr {
            Expr::Var(var) => self.written.contains(var.id),
            Expr::Call(call) => matches!(call.identify_call(), CallType::Function(name) if self.macros.contains(name)),
            _ => false,
        }
    }

    /// The names of filters and tests that other filters take as texts.
    fn names_in_arguments(&self, filter: &Filter<'a>) -> Told {
        let named = |at: usize| match filter.args.get(at) {
            Some(CallArg::Pos(Expr::Const(text))) => const_text(text),
            _ => None,
        };
        match filter.name {
            "map" => {
                let Some(name) = named(0) else { return Ok(()) };
                self.filter_is_there(&name)?;
                let escapes = ["safe", "e", "escape", "tojson", "urlencode"].contains(&name.as_str());
                if escapes && self.tongue.kind != Kind::Words {
                    return Err(format!("map can't take the filter \"{name}\" here: write it in a {{% for %}}"));
                }
                Ok(())
            }
            "select" | "reject" => test_is_there(named(0)),
            "selectattr" | "rejectattr" => test_is_there(named(1)),
            _ => Ok(()),
        }
    }

    fn call(&mut self, call: &Call<'a>, spot: Spot) -> Told {
        self.arguments(&call.args)?;
        match call.identify_call() {
            CallType::Function("caller") if self.in_macros > 0 => self.as_it_is(spot, "caller"),
            CallType::Function(name) if self.macros.contains(name) => self.as_it_is(spot, name),
            CallType::Function(name) if FUNCTIONS.contains(&name) => Ok(()),
            CallType::Function(name) => {
                let own: Vec<&str> = FUNCTIONS.into_iter().chain(self.macros.iter().copied()).collect();
                Err(there_is_no("function", &format!("{name}()"), &own))
            }
            CallType::Block(name) if self.blocks.contains(name) => self.as_it_is(spot, name),
            CallType::Block(name) => Err(format!("there is no block \"{name}\"")),
            CallType::Method(Expr::Var(var), "cycle" | "changed") if var.id == "loop" && self.loops > 0 => Ok(()),
            CallType::Method(_, name) => Err(format!(
                "there is no \".{name}()\": values have no functions of their own, but filters, such as {{{{ name | upper }}}}"
            )),
            CallType::Object(_) => Err("only functions and macros can be called".into()),
        }
    }
}

/// The name at the root of `a.b.c`.
fn root<'a>(expr: &Expr<'a>) -> Option<&'a str> {
    match expr {
        Expr::Var(var) => Some(var.id),
        Expr::GetAttr(part) => root(&part.expr),
        _ => None,
    }
}

fn const_text(value: &Const) -> Option<String> {
    value.value.as_str().map(ToOwned::to_owned)
}

fn is_operator(name: &str) -> bool {
    matches!(name, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

fn test_is_there(name: Option<String>) -> Told {
    match name {
        Some(name) if !TESTS.contains(&name.as_str()) && !is_operator(&name) => Err(there_is_no("test", &name, &TESTS)),
        _ => Ok(()),
    }
}

fn there_is_no(what: &str, name: &str, all: &[&str]) -> String {
    format!("there is no {what} \"{name}\": there are {}", all.join(", "))
}
