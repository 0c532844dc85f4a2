//! Keyset pages, straight from the database: ties, both directions, and many lists in one statement.

use herald::domain::role::Role;
use herald::service::Actor;
use herald::service::access::user::{NewUser, create};
use herald::storage::access::user::{self, Column};
use herald::storage::page::{self, Page, Request, Sort, Window};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::harness::{PASSWORD, TestApp};

/// Users `u0` to `u6`; every third is an auditor.
async fn seven_users() -> TestApp {
    let herald = TestApp::api_only().await;
    for number in 0..7 {
        let role = if number % 3 == 0 { Role::Auditor } else { Role::Operator };
        let new = NewUser { username: format!("u{number}xx"), password: PASSWORD.to_owned().into(), role };
        create(herald.services(), &Actor::system(), new).await.unwrap();
    }
    herald
}

fn names(page: &Page<user::Model>) -> Vec<&str> {
    page.rows.iter().map(|row| &row.username[..2]).collect()
}

#[tokio::test]
async fn equal_values_are_walked_without_a_gap_or_a_repetition() {
    let herald = seven_users().await;
    let db = herald.services().db.reader();
    // The version of all is 1: the id alone decides.
    for (sort, ascending) in [(Sort::by(Column::Version), true), (Sort::by(Column::Version).descending(true), false)] {
        let mut window = Window::first(3);
        let mut seen = Vec::new();
        loop {
            let page = page::read(db, user::Entity::present(), sort, &window).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.id));
            if !page.has_more {
                break;
            }
            window.after = Some(sort.place(page.rows.last().unwrap()).unwrap());
        }
        assert_eq!(seen.len(), 8);
        assert!(seen.windows(2).all(|pair| (pair[0] < pair[1]) == ascending));
    }
}

#[tokio::test]
async fn null_has_a_place_of_its_own() {
    let herald = seven_users().await;
    let sort = Sort::by_or(Column::Version, -1);
    let db = herald.services().db.reader();
    let page = page::read(db, user::Entity::present(), sort, &Window::first(100)).await.unwrap();
    assert_eq!(page.rows.len(), 8);
    let place = sort.place(&page.rows[0]).unwrap();
    assert!(sort.has(&place) && !Sort::<user::Entity>::by(Column::Username).has(&place));
}

#[tokio::test]
async fn the_pages_of_many_lists_come_in_one_statement() {
    let herald = seven_users().await;
    let db = herald.services().db.reader();
    let of = |role: Role| user::Entity::present().filter(Column::Role.eq(role));
    let sort = Sort::by(Column::Username);
    let from_end = Window { from_end: true, ..Window::first(2) };
    let requests = [
        Request { select: of(Role::Operator), sort, window: Window::first(3) },
        Request { select: of(Role::Auditor), sort: sort.descending(true), window: Window::first(2) },
        Request { select: of(Role::Auditor).filter(Column::Username.eq("x")), sort, window: Window::first(9) },
        Request { select: of(Role::Operator), sort, window: from_end },
        Request { select: of(Role::Auditor), sort: Sort::by_id(), window: Window::first(9) },
    ];
    let pages = page::read_each(db, &requests).await.unwrap();
    let found: Vec<_> = pages.iter().map(|page| (names(page), page.has_more)).collect();
    let expected = [
        (vec!["u1", "u2", "u4"], true),
        (vec!["u6", "u3"], true),
        (vec![], false),
        (vec!["u4", "u5"], true),
        (vec!["u0", "u3", "u6"], false),
    ];
    assert_eq!(found, expected);
    let counts = page::count_each(db, &requests.map(|request| request.select)).await.unwrap();
    assert_eq!(counts, [4, 3, 0, 4, 3]);
    assert_eq!(page::read_each::<user::Entity>(db, &[]).await.unwrap().len(), 0);
    let many = vec![of(Role::Admin); 450];
    assert_eq!(page::count_each(db, &many).await.unwrap(), vec![1; 450]);
}
