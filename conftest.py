"""Load the plugins that hold for every test; at the root, the only place pytest allows."""

pytest_plugins = ["pytester", "tests.python._skips_plugin"]
