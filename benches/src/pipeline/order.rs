//! The event of the pipeline benchmarks: 256 bytes of JSON, a number in each.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "an example of an event")]
pub struct Order {
    pub id: u64,
    pub customer_id: u64,
    pub sku: String,
    pub quantity: u32,
    pub price_cents: u64,
    pub currency: String,
    pub note: String,
    pub address: Address,
}

/// A part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "an example of an event")]
pub struct Address {
    pub street: String,
    pub city: String,
    pub zip: String,
}

/// Ten digits, so that every body has the same length.
pub const FIRST: u64 = 1_000_000_000;
/// The digits of the id in a body.
pub const DIGITS: std::ops::Range<usize> = 6..16;
const SIZE: usize = 256;

impl Order {
    /// The order with this number.
    pub fn new(number: u64) -> Self {
        let address = Address { street: "12 Harbour Street".into(), city: "Rotterdam".into(), zip: "3011 AB".into() };
        Self {
            id: FIRST + number,
            customer_id: 4_200_017,
            sku: "SKU-2026-00731".into(),
            quantity: 3,
            price_cents: 129_900,
            currency: "EUR".into(),
            note: String::new(),
            address,
        }
    }
}

/// Makes bodies: a template into which each number is written.
#[derive(Debug)]
pub struct Bodies {
    template: Vec<u8>,
    chunk: BytesMut,
}

/// A chunk is shared by the payloads in it.
const CHUNK: usize = 8 * 1024;

impl Bodies {
    /// A template.
    ///
    /// # Errors
    ///
    /// None: an order can be written as JSON.
    pub fn new() -> Result<Self, serde_json::Error> {
        let order = Order::new(0);
        let left = SIZE - serde_json::to_vec(&order)?.len();
        let template = serde_json::to_vec(&Order { note: "x".repeat(left), ..order })?;
        Ok(Self { template, chunk: BytesMut::new() })
    }

    fn write(&mut self, number: u64) {
        let mut rest = FIRST + number;
        for digit in self.template[DIGITS].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }

    /// The same as a payload.
    pub fn payload(&mut self, number: u64) -> Bytes {
        self.buffer(number).freeze()
    }

    /// The same as a buffer of its own: 2 allocations for about 30 of them.
    pub fn buffer(&mut self, number: u64) -> BytesMut {
        self.write(number);
        if self.chunk.capacity() < SIZE {
            self.chunk = BytesMut::with_capacity(CHUNK);
        }
        self.chunk.extend_from_slice(&self.template);
        self.chunk.split()
    }
}
