//! Which addresses the connector may connect to.
//!
//! A peer chooses the URLs that its connector is called on, so without this check it could make ours call services that
//! only our own network may reach (server-side request forgery). The check is on the address that is connected to, not
//! on the name: a name may answer differently the second time it is asked (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// This host itself (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
    Loopback,
    /// A private network (RFC 1918, RFC 4193) or a carrier's (RFC 6598).
    Private,
    /// The link alone (RFC 3927, RFC 4291 section 2.5.6).
    LinkLocal,
    /// Many hosts (RFC 5771, RFC 4291 section 2.7), or all of the link.
    Multicast,
    /// No host (`0.0.0.0/8`, `::`).
    Unspecified,
    /// An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5, RFC 3056, RFC 4380), which would slip past IPv4 rules.
    Embedded,
    /// Set apart by IANA for documentation, measurements or later use (RFC 6890).
    Reserved,
    /// Where cloud providers hand a machine its own credentials.
    Metadata,
}

impl Rule {
    /// The rule in words, for messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private network's address",
            Self::LinkLocal => "a link-local address",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "the unspecified address",
            Self::Embedded => "an IPv4 address inside an IPv6 address",
            Self::Reserved => "a reserved address",
            Self::Metadata => "a cloud metadata address",
        }
    }

    /// Whether `allow_private_addresses` lifts the rule. What is never a peer's address stays refused.
    fn lifted_by_private(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::LinkLocal)
    }
}

/// Which addresses are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressGuard {
    /// Allow loopback, private and link-local addresses too: for a demonstration on one machine, or peers inside one network.
    pub allow_private: bool,
}

impl AddressGuard {
    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn check(self, address: IpAddr) -> Result<(), Rule> {
        match forbidden(address) {
            Some(rule) if self.allow_private && rule.lifted_by_private() => Ok(()),
            Some(rule) => Err(rule),
            None => Ok(()),
        }
    }
}

/// Metadata services outside of the ranges below: Azure's wire server has a public address.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254),
];

fn forbidden(address: IpAddr) -> Option<Rule> {
    match address {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<Rule> {
    if METADATA_V4.contains(&address) {
        return Some(Rule::Metadata);
    }
    match address.octets() {
        [0, ..] => Some(Rule::Unspecified),
        [127, ..] => Some(Rule::Loopback),
        [10, ..] | [192, 168, ..] => Some(Rule::Private),
        [172, b, ..] if (16..32).contains(&b) => Some(Rule::Private),
        [100, b, ..] if (64..128).contains(&b) => Some(Rule::Private),
        [169, 254, ..] => Some(Rule::LinkLocal),
        [255, 255, 255, 255] => Some(Rule::Multicast),
        [a, ..] if (224..240).contains(&a) => Some(Rule::Multicast),
        [a, ..] if a >= 240 => Some(Rule::Reserved),
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some(Rule::Reserved)
        }
        _ => None,
    }
}

fn forbidden_v6(address: Ipv6Addr) -> Option<Rule> {
    if METADATA_V6.contains(&address) {
        return Some(Rule::Metadata);
    }
    if address.is_unspecified() {
        return Some(Rule::Unspecified);
    }
    if address.is_loopback() {
        return Some(Rule::Loopback);
    }
    let [a, b, c, d, e, f, high, low] = address.segments();
    match (a, b) {
        // NAT64 (RFC 6052): the only way to IPv4 from an IPv6-only network, so the address inside decides.
        (0x0064, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => {
            let [h1, h2] = high.to_be_bytes();
            let [l1, l2] = low.to_be_bytes();
            forbidden_v4(Ipv4Addr::new(h1, h2, l1, l2)).map(|_| Rule::Embedded)
        }
        (0, _) | (0x2002, _) | (0x2001, 0) => Some(Rule::Embedded),
        (0xff00..=0xffff, _) => Some(Rule::Multicast),
        (0xfe80..=0xfebf, _) => Some(Rule::LinkLocal),
        // fc00::/7 is ULA; fec0::/10 is the site-local range before it (RFC 3879).
        (0xfc00..=0xfdff | 0xfec0..=0xfeff, _) => Some(Rule::Private),
        (0x2001, 0x0001..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => Some(Rule::Reserved),
        // 2000::/3 is all that IANA has handed out for hosts of the internet.
        (0x2000..=0x3fff, _) => None,
        _ => Some(Rule::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC_ONLY: AddressGuard = AddressGuard { allow_private: false };
    const PRIVATE_TOO: AddressGuard = AddressGuard { allow_private: true };

    fn rule(text: &str) -> Option<Rule> {
        PUBLIC_ONLY.check(text.parse().unwrap()).err()
    }

    #[test]
    fn public_addresses_pass() {
        for text in [
            "1.1.1.1",
            "145.23.254.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "198.17.255.255",
            "223.255.255.255",
            "2606:4700::1111",
            "2a01:7c8::1",
            "64:ff9b::101:101",
        ] {
            assert_eq!(rule(text), None, "{text}");
        }
    }

    #[test]
    fn each_range_is_refused_by_its_rule() {
        let cases = [
            ("127.0.0.1", Rule::Loopback),
            ("127.255.0.9", Rule::Loopback),
            ("::1", Rule::Loopback),
            ("10.0.0.1", Rule::Private),
            ("172.16.0.1", Rule::Private),
            ("172.31.255.255", Rule::Private),
            ("192.168.1.1", Rule::Private),
            ("100.64.0.1", Rule::Private),
            ("fd12:3456::1", Rule::Private),
            ("fec0::1", Rule::Private),
            ("169.254.1.1", Rule::LinkLocal),
            ("fe80::1", Rule::LinkLocal),
            ("224.0.0.1", Rule::Multicast),
            ("255.255.255.255", Rule::Multicast),
            ("ff02::1", Rule::Multicast),
            ("0.0.0.0", Rule::Unspecified),
            ("0.1.2.3", Rule::Unspecified),
            ("::", Rule::Unspecified),
            ("::ffff:1.1.1.1", Rule::Embedded),
            ("::ffff:127.0.0.1", Rule::Embedded),
            ("::127.0.0.1", Rule::Embedded),
            ("2002:7f00:1::", Rule::Embedded),
            ("2001:0:1::1", Rule::Embedded),
            ("64:ff9b::7f00:1", Rule::Embedded),
            ("192.0.2.1", Rule::Reserved),
            ("198.18.0.1", Rule::Reserved),
            ("203.0.113.9", Rule::Reserved),
            ("240.0.0.1", Rule::Reserved),
            ("2001:db8::1", Rule::Reserved),
            ("3fff:1::1", Rule::Reserved),
            ("4000::1", Rule::Reserved),
            ("64:ff9b:1::1", Rule::Reserved),
            ("169.254.169.254", Rule::Metadata),
            ("168.63.129.16", Rule::Metadata),
            ("fd00:ec2::254", Rule::Metadata),
        ];
        for (text, expected) in cases {
            assert_eq!(rule(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn allowing_private_addresses_lifts_only_the_private_rules() {
        for text in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "fd12::1",
            "169.254.1.1",
            "fe80::1",
            "1.1.1.1",
        ] {
            assert_eq!(PRIVATE_TOO.check(text.parse().unwrap()), Ok(()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "224.0.0.1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "fd00:ec2::254",
            "192.0.2.1",
        ] {
            assert!(PRIVATE_TOO.check(text.parse().unwrap()).is_err(), "{text}");
        }
    }
}
