import json
from decimal import Decimal

import pytest

from shelfsync import Importer, ShopUnavailable, report, run_import
from shelfsync.cli import main
from shelfsync.rates import load_rates

RATES = {"EUR": Decimal(1), "USD": Decimal("0.92"), "GBP": Decimal("1.17")}


def test_run(shop):
    tea, cups, spoons = Importer(shop, RATES).run()
    assert tea.prices["T01"].amount == Decimal("3.91")
    assert cups.missing == ["C04"]
    assert spoons.names == {"S00": "Honey-spoon", "S01": "Matcha-spoon"}


def test_run_import_confirms(server):
    shelves = run_import(server.url, "secret")
    assert sum(len(shelf.prices) for shelf in shelves) == 15
    assert server.log[-1]["path"] == "/jobs/job-secret"


def test_rates(server):
    assert load_rates(server.url, "EUR") == RATES
    assert [entry["query"] for entry in server.log] == [{"to": "EUR"}]


def test_unknown_currency(server):
    with pytest.raises(ShopUnavailable, match="no rates for XXX"):
        load_rates(server.url, "XXX")


def test_report_lines(shop):
    lines = list(report.lines(Importer(shop, RATES).run()))
    assert lines[0] == "Cups: 5 products, 30.92 in all"
    assert "  C04        has no price" in lines


def test_command_line(server, tmp_path, capsys):
    out = tmp_path / "catalogue.json"
    assert main(["--url", server.url, "--token", "t", "import", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["cups"]["missing"] == ["C04"]
    assert "Honey-spoon" in capsys.readouterr().out


def test_command_line_reports_errors(server, capsys):
    assert main(["--url", server.url, "--token", "wrong", "categories"]) == 1
    assert capsys.readouterr().err == "shelfsync: /categories: status 401\n"
