//! Keyset pages, straight from the database: ties, both directions, and the lists below many parents in one statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::role::Role;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{EntityTrait, QueryFilter};
use service::Actor;
use service::access::session;
use service::access::user::{NewUser, create, named};
use storage::access::refresh_token::{self, Column::UserId};
use storage::access::user::{self, Column};
use storage::page::{self, Length, Sort, Window};

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
async fn the_pages_below_many_parents_come_in_one_statement() {
    let herald = seven_users().await;
    let counted = Arc::new(AtomicUsize::new(0));
    let seen = counted.clone();
    let db = herald.services().db.clone().watched(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    let mut parents = Vec::new();
    for (name, logins) in [("u0xx", 3), ("u1xx", 1), ("u2xx", 0)] {
        for _ in 0..logins {
            session::login(herald.services(), &Actor::anonymous(None), name, PASSWORD.into()).await.unwrap();
        }
        parents.push(named(herald.services(), name).await.unwrap().id.0);
    }
    // Below parents that are not there nothing is found.
    parents.extend(std::iter::repeat_with(domain::id::time_sorted).take(1_000));
    let of = |parent: Expr| refresh_token::Entity::find().filter(Expr::col((refresh_token::Entity, UserId)).eq(parent));
    let all = page::read(db.reader(), of(Expr::val(parents[0])), Sort::by_id(), &Window::first(9)).await.unwrap().rows;
    let id = |index: usize| all[index].id;
    let after = Some(Sort::<refresh_token::Entity>::by_id().place(&all[0]).unwrap());
    let by_instant = Sort::by(refresh_token::Column::CreatedAt);
    for (sort, window, expected, has_more) in [
        (Sort::by_id(), Window::first(2), vec![id(0), id(1)], true),
        (by_instant, Window::first(2), vec![id(0), id(1)], true),
        (by_instant.descending(true), Window::first(2), vec![id(2), id(1)], true),
        (Sort::by_id(), Window { from_end: true, ..Window::first(2) }, vec![id(1), id(2)], true),
        (Sort::by_id(), Window { after, ..Window::first(2) }, vec![id(1), id(2)], false),
        (Sort::by_id(), Window::first(3), vec![id(0), id(1), id(2)], false),
    ] {
        counted.store(0, Ordering::Relaxed);
        let pages = page::read_below(db.reader(), &parents, of, sort, &window).await.unwrap();
        assert_eq!((pages.len(), counted.load(Ordering::Relaxed)), (parents.len(), 1));
        let ids = |parent: usize| pages[&parents[parent]].rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!((ids(0), pages[&parents[0]].has_more), (expected, has_more), "{sort:?} {window:?}");
        assert_eq!((ids(2), ids(3), pages[&parents[3]].has_more), (vec![], vec![], false));
        let alone = page::read_below(db.reader(), &parents[..1], of, sort, &window).await.unwrap();
        assert_eq!(alone[&parents[0]].rows, pages[&parents[0]].rows, "one parent or many: the same page");
    }
    counted.store(0, Ordering::Relaxed);
    let counts = page::count_below(db.reader(), &parents, of).await.unwrap();
    assert_eq!((counts.len(), counted.load(Ordering::Relaxed)), (parents.len(), 1));
    assert_eq!([0, 1, 2, 3].map(|parent| counts[&parents[parent]]), [3, 1, 0, 0].map(Length::exactly));
}
