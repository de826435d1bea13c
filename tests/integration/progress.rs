//! Progress on a terminal: nothing of it is left when the summary is printed.

use crate::support::TestEnvironment;

#[test]
fn no_bar_is_left_on_the_terminal() {
    for columns in [100, 60, 40] {
        let environment = TestEnvironment::new();
        environment.run(&["generate", "--patients", "12", "--out", "inbox/made"]).expect_code(0);
        // A warning about it comes while the bar is shown.
        environment.put("inbox/zz/bad.ndjson", "not json\n{\"resourceType\":\"Patient\",\"id\":\"p\"}\n");
        let Some(screen) = environment.screen_of("once", columns) else { return };
        let text = screen.join("\n");
        assert!(!text.contains(['░', '█']), "with {columns} columns:\n{text}");
        assert!(!text.contains(" left"), "with {columns} columns:\n{text}");
        assert!(screen.iter().any(|line| line.starts_with("files ")), "{text}");
        for warning in screen.iter().filter(|line| line.contains("WARN ")) {
            assert!(warning.trim_start().starts_with("WARN"), "{text}");
        }
    }
}
