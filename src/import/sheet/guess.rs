//! What the columns of a sheet hold, where their headers do not say it as the documentation has it: by their names, in
//! several languages, and by what stands in them.

use super::cells::{self, Numbers, is_mail, is_nothing};
use super::words::{self, Role};
use super::{Column, Plan, Reading, SheetOptions, column, dates};
use crate::contact::Status;
use crate::import::error::shown;
use crate::import::infer::field_key;
use crate::schema::{DateFormat, Field};
use crate::sema::languages;

/// Rows in front of the header that are passed over in search of it: titles, remarks, blank lines.
const MAX_TITLE_ROWS: usize = 10;
/// Of a hundred cells of a column, how many must be of a kind for it to be the column's.
const MOST_PERCENT: usize = 80;

/// The plan of a sheet, and what was guessed for it.
pub(super) struct Guessed {
    pub(super) plans: Vec<Plan>,
    /// How many of the first rows come before the first contact.
    pub(super) rows_before: usize,
    pub(super) is_guessed: bool,
    /// A sentence for each kind of guess.
    pub(super) told: Vec<String>,
}

/// Finds the header among the first rows of a sheet, and what its columns hold.
pub(super) fn guess(rows: &[Vec<String>], options: &SheetOptions) -> Result<Guessed, String> {
    let header_at = header_row(rows);
    let has_header = header_at.is_some();
    let at = header_at.unwrap_or(0);
    let sample: Vec<&[String]> = rows.iter().skip(if has_header { at + 1 } else { 0 }).map(Vec::as_slice).collect();
    let width = rows.get(at).map_or(0, Vec::len);
    let titles: Vec<String> = match (has_header, rows.get(at)) {
        (true, Some(header)) => header.iter().map(|cell| cells::tidy(cell).into_owned()).collect(),
        _ => (1..=width).map(|number| format!("Column {number}")).collect(),
    };
    let mut guesser = Guesser { options, titles, columns: Vec::new(), told: Vec::new(), guessed: Vec::new() };
    guesser.columns = (0..width).map(|at| Contents::of(&sample, at, options)).collect();
    let mut plans = guesser.settle(has_header)?;
    guesser.name_from_parts(&mut plans);
    let is_guessed = !has_header || at > 0 || guesser.guessed.iter().any(|guessed| *guessed);
    // In a sheet that is not the documentation's own, a name is a name however it is typed.
    for plan in plans.iter_mut().filter(|plan| is_guessed && plan.column == Column::Name) {
        plan.reading = Reading::Text;
    }
    let told = guesser.sentences(&plans, has_header, at);
    Ok(Guessed { plans, rows_before: if has_header { at + 1 } else { 0 }, is_guessed, told })
}

/// Where the header stands; `None` if the first row is a contact already.
fn header_row(rows: &[Vec<String>]) -> Option<usize> {
    let names = |row: &[String]| {
        let known = |cell: &&String| {
            !matches!(column(cell), Ok(Column::Unknown(_) | Column::Nameless)) || words::role(cell).is_some()
        };
        row.iter().filter(known).count()
    };
    let filled = |row: &[String]| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let first = rows.first()?;
    if names(first) > 0 && (filled(first) > 1 || first.len() == 1) {
        return Some(0);
    }
    let later = rows.iter().take(MAX_TITLE_ROWS).position(|row| names(row) > 0 && filled(row) > 1);
    if let Some(later) = later {
        return Some(later);
    }
    let is_value = |cell: &String| is_mail(cell) || looks_like_phone(cell);
    let is_contact = first.iter().any(is_value);
    (!is_contact).then_some(0)
}

/// Whether a text alone, without a country, may be a phone number: digits and their punctuation, and enough of them.
fn looks_like_phone(text: &str) -> bool {
    let text = cells::unrounded(text).unwrap_or_else(|| cells::ascii_digits(text).into_owned());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_plain =
        text.trim().chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '\''));
    let is_date = dates::read(&text, DateFormat::DayMonthYear, 2000).is_some();
    is_plain && !is_date && (7..=15).contains(&digits) && (text.trim().starts_with(['+', '0', '(']) || digits >= 9)
}

/// What stands in a column, as far as it was looked at.
#[derive(Default)]
struct Contents {
    filled: usize,
    phones: usize,
    mails: usize,
    languages: usize,
    statuses: usize,
    flags: usize,
    serials: usize,
    plain_numbers: usize,
    grouped: usize,
    decimal_commas: usize,
    ages: usize,
    /// Days by order: the workspace's first.
    days: [usize; 3],
    /// Texts with letters, and with digits.
    letters: usize,
    digits: usize,
    /// Texts without a space.
    single_words: usize,
    counts_up: bool,
}

/// Orders of day, month and year, the workspace's first.
fn orders(options: &SheetOptions) -> [DateFormat; 3] {
    let all = [DateFormat::DayMonthYear, DateFormat::MonthDayYear, DateFormat::YearMonthDay];
    let own = options.environment.date_format;
    let mut orders = [own; 3];
    for (slot, order) in orders.iter_mut().skip(1).zip(all.into_iter().filter(|order| *order != own)) {
        *slot = order;
    }
    orders
}

impl Contents {
    fn of(rows: &[&[String]], at: usize, options: &SheetOptions) -> Self {
        let mut contents = Contents { counts_up: true, ..Contents::default() };
        let (orders, this_year) = (orders(options), options.this_year());
        let mut last = None;
        for cell in rows.iter().filter_map(|row| row.get(at)).filter(|cell| !is_nothing(cell)) {
            let text = cells::tidy(cell);
            contents.filled += 1;
            // Days are written with as many digits as phone numbers.
            let is_day = orders.iter().any(|order| dates::read(&text, *order, this_year).is_some());
            let has_digits = text.bytes().filter(u8::is_ascii_digit).count() >= 7 || !text.is_ascii();
            let is_phone = !is_day && has_digits && cells::phones(&text, options.environment.country).is_some();
            contents.phones += usize::from(is_phone || (!is_day && looks_like_phone(&text)));
            contents.single_words += usize::from(!text.contains(' '));
            contents.mails += usize::from(is_mail(&text));
            contents.languages += usize::from(languages::is_language(&text) || languages::meant(&text).is_some());
            contents.statuses += usize::from(Status::from_name(&text).is_some());
            contents.flags += usize::from(super::flag(&text).is_ok());
            contents.serials += usize::from(dates::serial(&text).is_some());
            contents.plain_numbers += usize::from(cells::number(&text, Numbers::Plain).is_some());
            contents.grouped += usize::from(cells::number(&text, Numbers::Commas).is_some());
            contents.decimal_commas += usize::from(cells::number(&text, Numbers::DecimalComma).is_some());
            contents.ages += usize::from(cells::years(&text).is_some());
            contents.letters += usize::from(text.chars().any(char::is_alphabetic));
            contents.digits += usize::from(text.chars().any(char::is_numeric));
            for (count, order) in contents.days.iter_mut().zip(orders) {
                *count += usize::from(dates::read(&text, order, this_year).is_some());
            }
            let number: Option<i64> = text.parse().ok();
            let follows = match (last, number) {
                (None, Some(first)) => (0..=1).contains(&first),
                (Some(last), Some(number)) => number == last + 1,
                _ => false,
            };
            contents.counts_up &= follows;
            last = number;
        }
        contents
    }

    fn is_most(&self, count: usize) -> bool {
        count > 0 && count * 100 >= self.filled * MOST_PERCENT
    }

    /// How the cells of a field are best read.
    fn reading(&self, title: &str, options: &SheetOptions) -> Reading {
        let (best, order) = self.days.iter().zip(orders(options)).fold(
            (0, options.environment.date_format),
            |(best, order), (&count, other)| if count > best { (count, other) } else { (best, order) },
        );
        if self.is_most(best) && self.plain_numbers < best {
            return Reading::Date(order);
        }
        if words::says_date(title) && self.is_most(self.serials) {
            return Reading::Serial;
        }
        if self.ages > 0 && self.ages + self.plain_numbers == self.filled {
            return Reading::Years;
        }
        if self.plain_numbers < self.filled && self.grouped == self.filled && self.filled > 0 {
            return Reading::Number(Numbers::Commas);
        }
        if self.plain_numbers < self.filled && self.decimal_commas == self.filled && self.filled > 0 {
            return Reading::Number(Numbers::DecimalComma);
        }
        Reading::Text
    }
}

struct Guesser<'o> {
    options: &'o SheetOptions,
    titles: Vec<String>,
    columns: Vec<Contents>,
    told: Vec<String>,
    guessed: Vec<bool>,
}

impl Guesser<'_> {
    fn title(&self, at: usize) -> &str {
        self.titles.get(at).map(String::as_str).unwrap_or_default()
    }

    /// What each column holds, one by one: what was said on the command line, what the header says as it should, what it
    /// says in other words, what stands in the column.
    fn settle(&mut self, has_header: bool) -> Result<Vec<Plan>, String> {
        let mapped = self.mapped()?;
        let given: Vec<Column> = self
            .titles
            .iter()
            .map(|title| if has_header { column(title) } else { Ok(Column::Unknown(title.as_str().into())) })
            .collect::<Result<_, _>>()?;
        let is_canonical = given.iter().all(|column| !matches!(column, Column::Unknown(_) | Column::Nameless));
        let mut plans = Vec::with_capacity(given.len());
        let contents = std::mem::take(&mut self.columns);
        for ((at, given), (contents, mapped)) in given.into_iter().enumerate().zip(contents.iter().zip(mapped)) {
            let title = self.title(at).to_owned();
            let (column, reading, is_guessed) = match mapped {
                Some(column) => {
                    let reading = self.reading_of(&column, &title, contents, true);
                    (column, reading, true)
                }
                None => {
                    let doubted = self.doubted(given, &title, contents, is_canonical);
                    let is_guessed = matches!(doubted, Column::Unknown(_) | Column::Nameless);
                    let column = if is_guessed { self.guess(doubted, &title, contents, &plans) } else { doubted };
                    let is_guessed = is_guessed && !matches!(column, Column::Unknown(_) | Column::Nameless);
                    let reading = self.reading_of(&column, &title, contents, is_guessed);
                    (column, reading, is_guessed)
                }
            };
            plans.push(Plan { column, title, reading });
            self.guessed.push(is_guessed);
        }
        self.without_others_phones(&mut plans);
        if !has_header {
            self.name_of_letters(&mut plans, &contents);
        }
        self.columns = contents;
        Ok(plans)
    }

    /// What `--map` says of each column.
    fn mapped(&self) -> Result<Vec<Option<Column>>, String> {
        let mut mapped: Vec<Option<Column>> = self.titles.iter().map(|_| None).collect();
        for (name, target) in &self.options.maps {
            let wanted = words::plain(name);
            let is_wanted = |title: &String| title == name || (!wanted.is_empty() && words::plain(title) == wanted);
            let Some(at) = self.titles.iter().position(is_wanted) else {
                let titles: Vec<String> = self.titles.iter().take(20).map(|title| shown(title)).collect();
                return Err(format!(
                    "--map names a column {} that is not there; there are {}",
                    shown(name),
                    titles.join(", ")
                ));
            };
            let column = match words::plain(target).as_str() {
                "ignore" | "skip" | "" => Column::LeftOut,
                "firstname" => Column::NamePart(0),
                "middlename" => Column::NamePart(1),
                "lastname" => Column::NamePart(2),
                "groups" => Column::GroupNames,
                _ => match column(target)? {
                    Column::Unknown(_) | Column::Nameless => {
                        return Err(format!(
                            "--map {}: {} is none of UUID, Name, First name, Last name, Language, Status, Created On, \
                             Last Seen On, URN:<scheme>, Field:<name>, Group:<name>, Groups, ignore",
                            shown(name),
                            shown(target)
                        ));
                    }
                    known => known,
                },
            };
            if let Some(slot) = mapped.get_mut(at) {
                *slot = Some(column);
            }
        }
        Ok(mapped)
    }

    /// A header that the documentation has, over cells that are all something else, in a sheet that is not its own.
    fn doubted(&self, given: Column, title: &str, contents: &Contents, is_canonical: bool) -> Column {
        let is_wrong = match &given {
            Column::Status => contents.statuses == 0,
            Column::Language => contents.languages == 0,
            Column::Id => contents.counts_up && contents.filled > 1,
            _ => false,
        };
        if is_wrong && !is_canonical && contents.filled > 0 { Column::Unknown(title.into()) } else { given }
    }

    /// What a column holds whose header the documentation does not have.
    fn guess(&self, given: Column, title: &str, contents: &Contents, before: &[Plan]) -> Column {
        let has = |wanted: &Column| before.iter().any(|plan| plan.column == *wanted);
        let role = if matches!(given, Column::Nameless) { None } else { words::role(title) };
        // A field of that name that the workspace has goes before all but the plainest words.
        let field = self.known_field(title);
        let is_mostly = |count: usize| contents.filled == 0 || contents.is_most(count);
        match role {
            Some(Role::Name) if !has(&Column::Name) => return Column::Name,
            Some(Role::FirstName) => return Column::NamePart(0),
            Some(Role::MiddleName) => return Column::NamePart(1),
            Some(Role::LastName) => return Column::NamePart(2),
            // Half of them may be badly written: the header says what they are meant to be.
            Some(Role::Phone)
                if field.is_none() && (contents.filled == 0 || contents.phones * 3 >= contents.filled) =>
            {
                return Column::Urn("tel".into());
            }
            Some(Role::WhatsApp) if is_mostly(contents.phones) => return Column::Urn("whatsapp".into()),
            Some(Role::Mail) if contents.filled == 0 || contents.mails * 3 >= contents.filled => {
                return Column::Urn("mailto".into());
            }
            Some(Role::Language) if contents.languages * 2 >= contents.filled && !has(&Column::Language) => {
                return Column::Language;
            }
            Some(Role::Groups) if is_mostly(contents.letters) && contents.flags < contents.filled.max(1) => {
                return Column::GroupNames;
            }
            Some(Role::RowNumber) if contents.counts_up => return Column::LeftOut,
            _ => {}
        }
        if let Some(field) = field {
            return Column::Field(field.key.as_str().into());
        }
        if contents.filled > 0 && contents.is_most(contents.mails) {
            return Column::Urn("mailto".into());
        }
        // Numbers of papers and accounts look like phone numbers too: these begin with + or 0 or are read as local.
        if contents.filled > 0 && contents.is_most(contents.phones) && !says_other_number(title) {
            return Column::Urn("tel".into());
        }
        if matches!(given, Column::Nameless) {
            return if contents.counts_up && contents.filled > 0 { Column::LeftOut } else { Column::Nameless };
        }
        if self.options.infer { Column::Field(words::joined_initials(title).as_ref().into()) } else { given }
    }

    fn known_field(&self, title: &str) -> Option<&Field> {
        let schema = self.options.schema.as_ref()?;
        let key = field_key(&words::joined_initials(title));
        schema.field(&key).or_else(|| schema.field_by_name(title)).or_else(|| {
            let plain = words::plain(title);
            schema.fields().iter().find(|field| !plain.is_empty() && words::plain(&field.name) == plain)
        })
    }

    fn reading_of(&self, column: &Column, title: &str, contents: &Contents, is_guessed: bool) -> Reading {
        match column {
            Column::Urn(scheme) if matches!(&**scheme, "tel" | "whatsapp") => {
                if is_guessed || &**scheme == "tel" {
                    Reading::Phone { is_guessed }
                } else {
                    Reading::AsWritten
                }
            }
            _ if !is_guessed => Reading::AsWritten,
            Column::Field(_) => contents.reading(title, self.options),
            _ => Reading::Text,
        }
    }

    /// The number of a mother or a husband is no address of the contact, where there is another.
    fn without_others_phones(&self, plans: &mut [Plan]) {
        let is_own = |plan: &Plan| matches!(plan.column, Column::Urn(_)) && !words::is_of_another(&plan.title);
        if !plans.iter().any(is_own) {
            return;
        }
        for (at, plan) in plans.iter_mut().enumerate() {
            let is_guessed = self.guessed.get(at).copied().unwrap_or_default();
            if is_guessed && matches!(plan.column, Column::Urn(_)) && words::is_of_another(&plan.title) {
                let name: Box<str> = plan.title.as_str().into();
                plan.column = if self.options.infer { Column::Field(name) } else { Column::Unknown(name) };
                plan.reading = Reading::Text;
            }
        }
    }

    /// Without a header, the first column of words holds names.
    fn name_of_letters(&mut self, plans: &mut [Plan], contents: &[Contents]) {
        let is_words = |(at, plan): &(usize, &mut Plan)| {
            let contents = contents.get(*at);
            let letters = contents.is_some_and(|contents| contents.is_most(contents.letters) && contents.mails == 0);
            letters && matches!(plan.column, Column::Field(_) | Column::Unknown(_))
        };
        if let Some((at, plan)) = plans.iter_mut().enumerate().find(is_words) {
            plan.column = Column::Name;
            plan.reading = Reading::Text;
            if let Some(guessed) = self.guessed.get_mut(at) {
                *guessed = true;
            }
        }
    }

    /// First and last names make the name, unless there is one. `Nom` beside `Prénom` is a last name, and so is `Nombre`
    /// beside `Apellidos` a first one.
    fn name_from_parts(&mut self, plans: &mut [Plan]) {
        let part = |plan: &Plan| if let Column::NamePart(part) = plan.column { Some(part) } else { None };
        if !plans.iter().any(|plan| plan.column == Column::Name || part(plan).is_some()) {
            self.name_by_words(plans);
        }
        let (has_first, has_last) =
            (plans.iter().any(|plan| part(plan) == Some(0)), plans.iter().any(|plan| part(plan) == Some(2)));
        let guessed = &self.guessed;
        let whole = plans.iter().position(|plan| plan.column == Column::Name);
        let Some(plan) = whole.and_then(|at| plans.get_mut(at)) else { return };
        let is_short = words::plain(&plan.title);
        let is_guessed = whole.and_then(|at| guessed.get(at)).copied().unwrap_or_default();
        let is_given =
            whole.and_then(|at| self.columns.get(at)).is_some_and(|contents| contents.is_most(contents.single_words));
        match is_short.as_str() {
            "name" | "names" if has_last && !has_first && is_given => plan.column = Column::NamePart(0),
            "nom" | "noms" | "name" if has_first && !has_last => plan.column = Column::NamePart(2),
            "nombre" | "nombres" | "nome" | "имя" | "שם" | "jina" if has_last && !has_first && is_guessed => {
                plan.column = Column::NamePart(0);
            }
            _ => {
                // A whole name is there: its parts are what they are.
                for plan in plans.iter_mut().filter(|plan| matches!(plan.column, Column::NamePart(_))) {
                    let name: Box<str> = plan.title.as_str().into();
                    plan.column = if self.options.infer { Column::Field(name) } else { Column::Unknown(name) };
                }
            }
        }
    }

    /// Where no column is named as names are: one whose header speaks of a name or of a person, over words.
    fn name_by_words(&mut self, plans: &mut [Plan]) {
        let is_name = |(at, plan): &(usize, &mut Plan)| {
            let words = self.columns.get(*at).is_some_and(|contents| {
                contents.is_most(contents.letters) && contents.digits * 5 < contents.filled && contents.mails == 0
            });
            let is_free = matches!(plan.column, Column::Unknown(_))
                || self.guessed.get(*at) == Some(&true) && matches!(plan.column, Column::Field(_));
            words && is_free && words::says_person(&plan.title)
        };
        let Some((at, plan)) = plans.iter_mut().enumerate().find(is_name) else { return };
        plan.column = Column::Name;
        plan.reading = Reading::Text;
        if let Some(guessed) = self.guessed.get_mut(at) {
            *guessed = true;
        }
    }

    /// What was guessed, a line for each kind.
    fn sentences(&mut self, plans: &[Plan], has_header: bool, at: usize) -> Vec<String> {
        let mut told = std::mem::take(&mut self.told);
        if !has_header {
            told.push("there is no header: the first row is taken for a contact".to_owned());
        } else if at > 0 {
            let rows = if at == 1 { "row".to_owned() } else { format!("{at} rows") };
            told.push(format!("the header stands under the first {rows}"));
        }
        let guessed = |at: usize| self.guessed.get(at).copied().unwrap_or_default();
        let mut by_target: Vec<(String, Vec<String>)> = Vec::new();
        for (at, plan) in plans.iter().enumerate() {
            let target = match &plan.column {
                Column::Unknown(_) => continue,
                Column::Nameless if self.columns.get(at).is_none_or(|contents| contents.filled == 0) => continue,
                Column::Nameless => "left out, since they have no header".to_owned(),
                Column::LeftOut => "left out".to_owned(),
                _ if !guessed(at) => continue,
                Column::NamePart(_) => "Name".to_owned(),
                Column::GroupNames => "groups by name".to_owned(),
                Column::Field(_) => "fields".to_owned(),
                column => column.title().trim_matches('`').to_owned(),
            };
            let how = match plan.reading {
                Reading::Date(order) => format!(" ({})", order.name()),
                Reading::Serial => " (days as Excel counts them)".to_owned(),
                Reading::Number(Numbers::DecimalComma) => " (decimal commas)".to_owned(),
                _ => String::new(),
            };
            let title = if plan.title.is_empty() { format!("column {}", at + 1) } else { shown(&plan.title) };
            let source = format!("{title}{how}");
            match by_target.iter_mut().find(|(known, _)| *known == target) {
                Some((_, sources)) => sources.push(source),
                None => by_target.push((target, vec![source])),
            }
        }
        for (target, sources) in by_target {
            let more = sources.len().saturating_sub(12);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let sources: Vec<String> = sources.into_iter().take(12).collect();
            told.push(format!("{target}: from {}{more}", sources.join(", ")));
        }
        told
    }
}

/// Numbers that are no phone's.
fn says_other_number(title: &str) -> bool {
    let plain = words::plain(title);
    [
        "account",
        "nationalid",
        "idnumber",
        "idno",
        "passport",
        "nid",
        "card",
        "insurance",
        "tin",
        "bank",
        "gps",
        "lat",
        "lon",
        "amount",
        "price",
        "salary",
        "date",
        "code",
        "barcode",
        "policy",
    ]
    .iter()
    .any(|word| plain.contains(word))
}
