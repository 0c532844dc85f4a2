//! Whether everybody can use a page: by axe, on a desktop and on phones, in light and in dark.

use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value as Json, json};

use super::Tab;
use crate::harness::npm;

/// What axe finds is listed as `rule: elements`.
const FIND: &str = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join('; ')}`))";

static AXE: LazyLock<Option<String>> = LazyLock::new(|| npm::file("axe-core/axe.min.js"));

impl Tab {
    /// Fails if axe finds something wrong with the page as it is, if it has not exactly one first heading, or if it is wider than a
    /// screen: on a desktop and two phones, in light and in dark. Pictures are made of each by [`Tab::shot`].
    pub async fn assert_well(&mut self, name: &str) {
        for (size, width) in [("desktop", 1280), ("phone", 390), ("small", 320)] {
            for scheme in ["light", "dark"] {
                self.look_at(width, scheme).await;
                self.shot(&format!("{name}-{size}-{scheme}")).await;
                let place = format!("{name}, {width} wide, {scheme}");
                assert_eq!(self.value("document.querySelectorAll('h1').length").await, 1, "{place}");
                // A phone makes room for what is too wide, so that its own width says nothing.
                let wide = self.value("document.documentElement.scrollWidth").await;
                assert!(wide.as_u64() <= Some(u64::from(width)), "{place}: it is wider than the screen, {wide}");
                // Text that is squeezed is as wide as a letter, and nothing is wider than the screen.
                let squeezed =
                    "[...document.querySelectorAll('.how-far')].some((one) => one.clientWidth && one.clientWidth < 60)";
                assert_eq!(self.value(squeezed).await, false, "{place}: how far a campaign is can't be read");
                assert_eq!(self.found_by_axe().await, json!([]), "{place}");
            }
        }
        self.call("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.call("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    }

    /// What a desktop shows of the page in a scheme, as a PNG.
    pub async fn picture(&mut self, scheme: &str) -> Vec<u8> {
        self.look_at(1280, scheme).await;
        self.call("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        let screen = json!({ "width": 1280, "height": 1080, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", screen).await;
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    /// Shows the page so wide, and in this scheme, without movements.
    async fn look_at(&mut self, width: u32, scheme: &str) {
        let screen = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 700 });
        self.call("Emulation.setDeviceMetricsOverride", screen).await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        self.value("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))").await;
    }

    async fn found_by_axe(&mut self) -> Json {
        let Some(axe) = AXE.as_deref() else { return json!([]) };
        // The page's policy is for its own scripts; this one comes by the developer tools.
        self.value(&format!("if (!window.axe) {{ {axe} }} 0")).await;
        self.value(FIND).await
    }
}
