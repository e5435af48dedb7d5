//! JSON read with tolerance: whatever is not of the wanted shape counts as nothing, and nothing is kept that nobody asked for.
//! What is passed over is walked all the same, so that the parser's bound on nesting holds for it too.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What a value may be read as. It keeps what it overrides and passes over the rest.
pub trait Shape<'de>: Default {
    /// The value is a text.
    fn of_text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    /// The value is a list.
    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Lenient<Nothing>>()?.is_some() {}
        Ok(Self::default())
    }

    /// The value is an object with a member of this name; its value is to be taken from `object`.
    fn member<A: MapAccess<'de>>(&mut self, _: &str, object: &mut A) -> Result<(), A::Error> {
        object.next_value::<Lenient<Nothing>>().map(drop)
    }
}

/// A value, or nothing where it has another shape.
pub struct Lenient<T>(pub T);

/// What nobody asks for.
#[derive(Default)]
pub struct Nothing;

impl Shape<'_> for Nothing {}

/// A text, or nothing.
#[derive(Default)]
pub struct Text<'de>(Option<Cow<'de, str>>);

impl Text<'_> {
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de> Shape<'de> for Text<'de> {
    fn of_text(text: Cow<'de, str>) -> Self {
        Self(Some(text))
    }
}

/// Takes a member's value. One that comes twice means two things, so the object means nothing.
pub fn once<'de, T: Shape<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    name: &'static str,
    object: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    let Lenient(value) = object.next_value()?;
    *place = Some(value);
    Ok(())
}

impl<'de, T: Shape<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

struct Anything<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for Anything<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::of_text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<T, A::Error> {
        let mut value = T::default();
        while let Some(Lenient(name)) = object.next_key::<Lenient<Text<'de>>>()? {
            value.member(name.as_str().unwrap_or_default(), &mut object)?;
        }
        Ok(value)
    }
}
