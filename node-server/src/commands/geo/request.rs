//! What is searched for: the arguments of GEOSEARCH, GEORADIUS and their kin.

use rcl_proto::resp::Args;
use rcl_store::types::SortedSetRef;
use rcl_store::types::geo::{Place, Shape, ShapeKind};

use super::{place, unit_in_metres};
use crate::command::CommandError;
use crate::command::parse::{self, is};

/// How a command is told what to search for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `GEORADIUS key longitude latitude radius unit …`
    AroundPlace,
    /// `GEORADIUSBYMEMBER key member radius unit …`
    AroundMember,
    /// `GEOSEARCH key …`
    Search,
    /// `GEOSEARCHSTORE destination source …`
    SearchAndStore,
}

impl Form {
    /// How many arguments come before the options.
    fn fixed_arguments(self) -> usize {
        match self {
            Form::AroundPlace => 6,
            Form::AroundMember => 5,
            Form::Search => 2,
            Form::SearchAndStore => 3,
        }
    }

    pub fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchAndStore)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Found,
    Nearest,
    Farthest,
}

/// Where the members go instead of into the reply.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    pub destination: &'a [u8],
    /// With their distances as scores.
    pub distances: bool,
}

pub struct Request<'a> {
    centre: Option<Place>,
    extent: Option<ShapeKind>,
    pub unit_in_metres: f64,
    pub with_distance: bool,
    pub with_hash: bool,
    pub with_place: bool,
    pub order: Order,
    pub count: Option<usize>,
    /// The first ones found will do.
    pub any: bool,
    pub store: Option<Store<'a>>,
    /// The member was named, though without a sorted set there is no centre yet.
    from_member: bool,
}

const NO_SUCH_MEMBER: CommandError = CommandError::fixed("ERR could not decode requested zset member");

impl<'a> Request<'a> {
    /// `source` is the sorted set, whose members may be the centre; without one the arguments are still looked at.
    pub fn parse(
        form: Form,
        may_store: bool,
        args: Args<'a>,
        source: Option<SortedSetRef<'_>>,
    ) -> Result<Request<'a>, CommandError> {
        let mut request = Request {
            centre: None,
            extent: None,
            unit_in_metres: 1.0,
            with_distance: false,
            with_hash: false,
            with_place: false,
            order: Order::Found,
            count: None,
            any: false,
            store: None,
            from_member: false,
        };
        match form {
            Form::AroundPlace => {
                request.centre = Some(place(args.from(2))?);
                request.set_circle(args.from(4))?;
            }
            Form::AroundMember if source.is_some() => {
                request.set_member(&args[2], source)?;
                request.set_circle(args.from(3))?;
            }
            Form::AroundMember | Form::Search => {}
            Form::SearchAndStore => {
                request.store = args.get(1).map(|destination| Store { destination, distances: false });
            }
        }
        let mut options = args.from(form.fixed_arguments());
        while !options.is_empty() {
            let used = request.option(form, may_store, options, source)?;
            options = options.from(used);
        }
        request.check(form, &args[0])?;
        Ok(request)
    }

    /// Takes the option that `args` begin with; how many words it has.
    fn option(
        &mut self,
        form: Form,
        may_store: bool,
        args: Args<'a>,
        source: Option<SortedSetRef<'_>>,
    ) -> Result<usize, CommandError> {
        let option = &args[0];
        let has = |count: usize| args.len() > count;
        let is_search = form.is_search();
        match () {
            () if is(option, "WITHDIST") => self.with_distance = true,
            () if is(option, "WITHHASH") => self.with_hash = true,
            () if is(option, "WITHCOORD") => self.with_place = true,
            () if is(option, "ANY") => self.any = true,
            () if is(option, "ASC") => self.order = Order::Nearest,
            () if is(option, "DESC") => self.order = Order::Farthest,
            () if is(option, "COUNT") && has(1) => {
                let count = usize::try_from(parse::integer(&args[1])?).ok().filter(|count| *count > 0);
                self.count = Some(count.ok_or(CommandError::fixed("ERR COUNT must be > 0"))?);
                return Ok(2);
            }
            () if (is(option, "STORE") || is(option, "STOREDIST")) && has(1) && may_store && !is_search => {
                let distances = is(option, "STOREDIST");
                self.store = args.get(1).map(|destination| Store { destination, distances });
                return Ok(2);
            }
            () if is(option, "STOREDIST") && form == Form::SearchAndStore => {
                self.store = self.store.map(|store| Store { distances: true, ..store });
            }
            () if is(option, "FROMMEMBER")
                && has(1)
                && is_search
                && (self.from_member || self.centre.is_none()) =>
            {
                self.set_member(&args[1], source)?;
                return Ok(2);
            }
            () if is(option, "FROMLONLAT") && has(2) && is_search && !self.from_member => {
                self.centre = Some(place(args.from(1))?);
                return Ok(3);
            }
            () if is(option, "BYRADIUS") && has(2) && is_search && !self.is_box() => {
                self.set_circle(args.from(1))?;
                return Ok(3);
            }
            () if is(option, "BYBOX") && has(3) && is_search && (self.is_box() || self.extent.is_none()) => {
                self.set_box(args.from(1))?;
                return Ok(4);
            }
            () => return Err(CommandError::SYNTAX),
        }
        Ok(1)
    }

    fn is_box(&self) -> bool {
        matches!(self.extent, Some(ShapeKind::Box { .. }))
    }

    fn set_member(&mut self, member: &[u8], source: Option<SortedSetRef<'_>>) -> Result<(), CommandError> {
        if let Some(source) = source {
            self.centre = Some(Place::of_score(source.score(member).ok_or(NO_SUCH_MEMBER)?));
        }
        self.from_member = true;
        Ok(())
    }

    /// A radius and its unit.
    fn set_circle(&mut self, args: Args<'_>) -> Result<(), CommandError> {
        let radius = length(&args[0], "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(CommandError::fixed("ERR radius cannot be negative"));
        }
        self.unit_in_metres = unit_in_metres(&args[1])?;
        self.extent = Some(ShapeKind::Circle { radius });
        Ok(())
    }

    /// A width, a height and their unit.
    fn set_box(&mut self, args: Args<'_>) -> Result<(), CommandError> {
        let width = length(&args[0], "ERR need numeric width")?;
        let height = length(&args[1], "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::fixed("ERR height or width cannot be negative"));
        }
        self.unit_in_metres = unit_in_metres(&args[2])?;
        self.extent = Some(ShapeKind::Box { width, height });
        Ok(())
    }

    fn check(&self, form: Form, command: &[u8]) -> Result<(), CommandError> {
        let command = String::from_utf8_lossy(command);
        if self.store.is_some() && (self.with_distance || self.with_hash || self.with_place) {
            let what = if form.is_search() { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(CommandError::new(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        if form.is_search() && !self.from_member && self.centre.is_none() {
            return Err(CommandError::new(format!(
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {command}"
            )));
        }
        if form.is_search() && self.extent.is_none() {
            return Err(CommandError::new(format!(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for {command}"
            )));
        }
        if self.any && self.count.is_none() {
            return Err(CommandError::fixed("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// In metres. There is one when there was a sorted set.
    pub fn shape(&self) -> Option<Shape> {
        let metres = |length: f64| length * self.unit_in_metres;
        let kind = match self.extent? {
            ShapeKind::Circle { radius } => ShapeKind::Circle { radius: metres(radius) },
            ShapeKind::Box { width, height } => {
                ShapeKind::Box { width: metres(width), height: metres(height) }
            }
        };
        Some(Shape { centre: self.centre?, kind })
    }
}

fn length(text: &[u8], complaint: &'static str) -> Result<f64, CommandError> {
    parse::parse_double(text).ok_or(CommandError::fixed(complaint))
}
