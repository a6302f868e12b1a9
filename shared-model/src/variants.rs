//! For tests that must know every variant of an enum.

/// Fails unless every variant of an enum is among the values, and does not compile unless every variant is named: so nobody
/// can add one that such a test forgets.
///
/// ```
/// let values = [Some(1), None];
/// shared_model::assert_all_variants!(&values, Option<i32>, Option { Some, None });
/// ```
#[macro_export]
macro_rules! assert_all_variants {
    ($values:expr, $type:ty, $enum:ident { $($variant:ident),+ $(,)? }) => {{
        fn name(value: &$type) -> &'static str {
            match value {
                $($enum::$variant { .. } => stringify!($variant),)+
            }
        }
        let found: Vec<&str> = $values.into_iter().map(name).collect();
        for variant in [$(stringify!($variant)),+] {
            assert!(found.contains(&variant), "no {}::{variant}", stringify!($enum));
        }
    }};
}
