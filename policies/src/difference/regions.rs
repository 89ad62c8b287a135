//! Cells that lie beside each other, told as one.

use super::axes::Axis;
use super::{Case, Part};
use std::collections::{BTreeMap, BTreeSet};

/// A set of classes along each axis.
pub(super) type Area = Vec<BTreeSet<usize>>;

/// The same cells in few areas: along one axis after the other, areas that agree in all else become one. No cell is added and
/// none is lost.
pub(super) fn merge(cells: BTreeSet<Vec<usize>>, axes: usize) -> Vec<Area> {
    let single = |cell: Vec<usize>| cell.into_iter().map(|place| BTreeSet::from([place])).collect();
    let mut areas: Vec<Area> = cells.into_iter().map(single).collect();
    // The first axis last: what is told first of a region, its action, then says one thing where it can.
    for axis in (0..axes).rev() {
        let mut alike: BTreeMap<Area, BTreeSet<usize>> = BTreeMap::new();
        for mut each in areas {
            let places = each.get_mut(axis).map(std::mem::take).unwrap_or_default();
            alike.entry(each).or_default().extend(places);
        }
        let whole = |(mut rest, places): (Area, BTreeSet<usize>)| {
            if let Some(place) = rest.get_mut(axis) {
                *place = places;
            }
            rest
        };
        areas = alike.into_iter().map(whole).collect();
    }
    areas
}

/// What the cells of an area have in common; an axis that is in it whole says nothing.
pub(super) fn parts(axes: &[Axis], region: &Area) -> Vec<Part> {
    let told = axes
        .iter()
        .zip(region)
        .filter(|(axis, places)| places.len() < axis.classes.len());
    told.map(|(axis, places)| {
        let (mut cases, mut others) = (Vec::new(), Vec::new());
        for (place, class) in axis.classes.iter().enumerate() {
            let into = if places.contains(&place) {
                &mut cases
            } else {
                &mut others
            };
            into.extend(class.iter().cloned());
        }
        Part {
            aspect: axis.aspect,
            cases: joined(cases),
            others: joined(others),
        }
    })
    .collect()
}

/// In order, times that follow each other made one.
fn joined(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort();
    let mut out: Vec<Case> = Vec::new();
    for case in cases {
        match (out.last_mut(), &case) {
            (Some(Case::Times(_, end)), Case::Times(from, later)) if *end == Some(*from) => *end = *later,
            _ => out.push(case),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_every_cell_and_adds_none() {
        // An L of three cells in the plane, and one apart.
        let cells = BTreeSet::from([vec![0, 0], vec![0, 1], vec![1, 0], vec![3, 3]]);
        let areas = merge(cells.clone(), 2);
        assert_eq!(areas.len(), 3);
        let mut back = BTreeSet::new();
        for each in &areas {
            for x in &each[0] {
                for y in &each[1] {
                    assert!(back.insert(vec![*x, *y]), "once");
                }
            }
        }
        assert_eq!(back, cells);
        let whole: BTreeSet<Vec<usize>> = (0..3).flat_map(|x| (0..4).map(move |y| vec![x, y])).collect();
        assert_eq!(
            merge(whole, 2),
            [vec![(0..3).collect(), (0..4).collect::<BTreeSet<usize>>()]]
        );
    }

    #[test]
    fn times_that_follow_each_other_are_one() {
        let cases = vec![Case::Times(5, Some(9)), Case::Times(9, None), Case::Times(0, Some(4))];
        assert_eq!(joined(cases), [Case::Times(0, Some(4)), Case::Times(5, None)]);
    }
}
