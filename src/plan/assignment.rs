//! Giving each of some rows a column of its own, so that all together cost the least (Kuhn's and Munkres's method: rows come in
//! one after the other, each by the cheapest path of changes, and prices of rows and columns keep what is left to pay above zero).

/// The column of each row. There must be as many columns as rows at least.
pub fn cheapest(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> i64) -> Vec<usize> {
    let mut prices = Prices { rows: vec![0; rows], columns: vec![0; columns] };
    let mut holders: Vec<Option<usize>> = vec![None; columns];
    for row in 0..rows {
        let Some(path) = cheapest_path(row, &holders, &prices, &cost) else { break };
        prices.settle(row, &path, &holders);
        path.walk_back(row, &mut holders);
    }
    let mut given = vec![0; rows];
    for (column, holder) in holders.iter().enumerate() {
        if let Some(row) = holder {
            given[*row] = column;
        }
    }
    given
}

struct Prices {
    rows: Vec<i64>,
    columns: Vec<i64>,
}

/// From a new row to a free column, through columns that change hands.
struct Path {
    /// How far each column is.
    distances: Vec<i64>,
    settled: Vec<bool>,
    /// The column before it.
    before: Vec<Option<usize>>,
    end: usize,
}

fn cheapest_path(
    row: usize,
    holders: &[Option<usize>],
    prices: &Prices,
    cost: &impl Fn(usize, usize) -> i64,
) -> Option<Path> {
    let count = holders.len();
    let mut distances = vec![i64::MAX; count];
    let (mut settled, mut before) = (vec![false; count], vec![None; count]);
    let (mut at_row, mut at_column, mut gone) = (row, None, 0);
    loop {
        for column in (0..count).filter(|&column| !settled[column]) {
            let through = gone + cost(at_row, column) - prices.rows[at_row] - prices.columns[column];
            if through < distances[column] {
                (distances[column], before[column]) = (through, at_column);
            }
        }
        let next = (0..count).filter(|&column| !settled[column]).min_by_key(|&column| distances[column])?;
        (settled[next], gone) = (true, distances[next]);
        match holders[next] {
            None => return Some(Path { distances, settled, before, end: next }),
            Some(holder) => (at_row, at_column) = (holder, Some(next)),
        }
    }
}

impl Prices {
    fn settle(&mut self, row: usize, path: &Path, holders: &[Option<usize>]) {
        let whole = path.distances[path.end];
        self.rows[row] += whole;
        for (column, holder) in holders.iter().enumerate().filter(|(column, _)| path.settled[*column]) {
            if let Some(holder) = holder {
                let slack = whole - path.distances[column];
                self.columns[column] -= slack;
                self.rows[*holder] += slack;
            }
        }
    }
}

impl Path {
    fn walk_back(&self, row: usize, holders: &mut [Option<usize>]) {
        let mut column = self.end;
        while let Some(before) = self.before[column] {
            holders[column] = holders[before];
            column = before;
        }
        holders[column] = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn least(costs: &[Vec<i64>], free: &mut Vec<usize>) -> i64 {
        let Some((first, rest)) = costs.split_first() else { return 0 };
        let each = |at: usize, free: &mut Vec<usize>| {
            let column = free.remove(at);
            let cost = first[column] + least(rest, free);
            free.insert(at, column);
            cost
        };
        (0..free.len()).map(|at| each(at, free)).min().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn nothing_is_cheaper(
            rows in 0usize..5, more in 0usize..3, costs in proptest::collection::vec(-20i64..20, 35),
        ) {
            let columns = rows + more;
            let costs: Vec<Vec<i64>> = (0..rows).map(|row| costs[row * 7..row * 7 + columns].to_vec()).collect();
            let given = cheapest(rows, columns, |row, column| costs[row][column]);
            let mut apart = given.clone();
            apart.sort_unstable();
            apart.dedup();
            prop_assert_eq!(apart.len(), rows);
            let total: i64 = given.iter().enumerate().map(|(row, &column)| costs[row][column]).sum();
            prop_assert_eq!(total, least(&costs, &mut (0..columns).collect()));
        }
    }
}
