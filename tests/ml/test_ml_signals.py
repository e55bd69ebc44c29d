"""What posts say, and the signal by hour."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from lake.contracts.signals import ScoredPost, SignalHourly
from ml.sentiment import WordsError, balance, clean, load_words, read, tokens
from ml.signals import score_posts, signals_hourly

HEADER = "phrase,kind,score,language,note\n"


def test_cleaning():
    assert clean("ＢＵＹ  Nifty&amp;Bank https://t.co/x @someone #Nifty50") == "buy nifty&bank #nifty50"
    assert tokens(clean("Don’t sell, #BankNifty 📈")) == ["don't", "sell", "banknifty", "📈"]
    assert tokens(clean("बाज़ार में तेजी")) == tokens("बाज़ार में तेजी"), "one spelling of a dotted letter"
    assert tokens("गिरावट शेयर") == ["गिरावट", "शेयर"], "vowel signs are part of a word"
    assert tokens("தமிழ் ગુજરાતી") == ["தமிழ்", "ગુજરાતી"]


def test_balance_by_hand():
    assert balance([]) == 0
    assert balance([1.0]) == 0.5
    assert balance([1.0, 1.0]) == pytest.approx(2 / 3)
    assert balance([1.0, -1.0]) == 0
    assert balance([0.6, -1.0]) == pytest.approx(-0.4 / 2.6)


@pytest.fixture
def small_list(tmp_path: Path) -> Path:
    path = tmp_path / "words.csv"
    path.write_text(HEADER + "buy,stance,1.0,en,\nbull,mood,0.5,en,\nbull trap,mood,-1,en,\nteji,mood,1,hinglish,\n")
    return path


def test_reading_by_hand(small_list):
    words = load_words(small_list)
    assert read("buy", words) == (0.5, 0.5)
    assert read("bull", words) == (0.0, pytest.approx(0.5 / 1.5))
    assert read("a Bull Trap", words) == (0.0, -0.5), "the longest phrase wins"
    assert read("buy the bull", words) == (0.5, pytest.approx(1.5 / 2.5))
    assert read("do not buy", words) == (-0.5, -0.5)
    assert read("not that I would, but buy", words) == (0.5, 0.5), "too far off to deny it"
    assert read("teji nahi", words) == (0.0, -0.5)
    assert read("nahi teji", words) == (0.0, 0.5)
    assert read("buyer", words) == (0.0, 0.0), "no part of a word"


@given(st.text(max_size=300))
def test_any_text_scores_within_range(text):
    stance, sentiment = read(text, load_words())
    assert -1 < stance < 1
    assert -1 < sentiment < 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("phrase,score\nx,1\n", "columns"),
        (HEADER + "x,mood,much,en,\n", "line 2: score 'much'"),
        (HEADER + "x,mood,2,en,\n", "line 2"),
        (HEADER + "x,colour,1,en,\n", "line 2"),
        (HEADER + ",mood,1,en,\n", "line 2"),
        (HEADER + "x,mood,nan,en,\n", "line 2"),
        (HEADER + "x,mood,1,en,\nX,stance,1,en,\n", "line 3: 'x' stands twice"),
    ],
)
def test_a_wrong_list_names_its_line(tmp_path, lines, message):
    path = tmp_path / "words.csv"
    path.write_text(lines)
    with pytest.raises(WordsError, match=message):
        load_words(path)


def test_the_composite_by_hand(posts_of, small_list):
    posts = posts_of({"text": "buy the bull", "likes": 10, "reposts": 5, "replies": 2}, {"text": "hm", "likes": 10**6})
    scored = score_posts(posts, small_list)
    ScoredPost.validate(scored)
    first, second = scored.iter_rows(named=True)
    assert first["sentiment"] == pytest.approx(0.6)
    assert first["engagement"] == 10 + 2 * 5 + 1.5 * 2
    attention = math.log(1 + 23) / math.log(1001)
    assert first["composite"] == pytest.approx(0.5 * 0.5 + 0.3 * 0.6 + 0.2 * 0.6 * attention)
    assert second["composite"] == 0, "attention has no direction of its own"
    loud = score_posts(posts_of({"text": "buy", "likes": 10**9}), small_list)
    assert loud["composite"].item() == pytest.approx(0.5 * 0.5 + 0.3 * 0.5 + 0.2 * 0.5)


def test_bullish_and_bearish_posts_separate(posts_of):
    up = [
        "Nifty breakout above resistance, buy on dips! #bullish 🚀",
        "Banknifty mein teji, kharido, upar jayega",
        "बाजार में तेजी, खरीदारी जारी",
    ]
    down = [
        "Nifty breakdown, sell now #bearish 📉",
        "Market mein mandi hai, bech do, girega",
        "बाजार में भारी गिरावट, बिकवाली हावी",
    ]
    scored = score_posts(posts_of(*({"text": text} for text in up + down)))["composite"].to_list()
    assert min(scored[:3]) > 0.15
    assert max(scored[3:]) < -0.15


def test_no_posts_no_signal(posts_of):
    scored = score_posts(posts_of({}).clear())
    assert scored.is_empty()
    assert signals_hourly(scored).is_empty()
    SignalHourly.validate(signals_hourly(scored))


def test_the_hour_is_indias_and_the_interval_is_clustered(posts_of, small_list):
    at = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # 10:30 in India
    posts = posts_of(
        {"author_key": "a", "text": "buy", "created_at": at, "likes": 3},
        {"author_key": "a", "text": "buy", "created_at": at, "tags": ["nifty50", "sensex", "sensex"]},
        {"author_key": "b", "text": "hm", "created_at": at, "observed_at": datetime(2026, 11, 20, 13, tzinfo=UTC)},
        {"author_key": "c", "text": "hm", "created_at": at.replace(minute=29)},
        {"author_key": "c", "text": "hm", "created_at": at.replace(minute=30)},
    )
    scored = score_posts(posts, small_list)
    found = signals_hourly(scored)
    SignalHourly.validate(found)
    assert found["tag"].to_list() == ["nifty50", "nifty50", "sensex"]
    first, second, other = found.iter_rows(named=True)
    assert first["hour"] == datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
    assert second["hour"] == datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
    assert first["day"] == date(2026, 11, 20)
    assert (first["posts"], first["authors"], first["engagement"]) == (4, 3, 3.0)
    assert first["observed_at"] == datetime(2026, 11, 20, 13, tzinfo=UTC)
    x = scored["composite"].to_list()[:2]
    mean = sum(x) / 4
    sums = (sum(x) - 2 * mean, -mean, -mean)
    error = math.sqrt(3 / 2 * sum(d * d for d in sums)) / 4
    reach = 4.302652729911275 * error  # Student's t, 97.5 %, 2 degrees of freedom
    assert first["composite"] == pytest.approx(mean)
    assert first["composite_low"] == pytest.approx(max(-1, mean - reach))
    assert first["composite_high"] == pytest.approx(min(1, mean + reach))
    assert (second["composite_low"], second["composite_high"]) == (None, None), "one author"
    assert (other["posts"], other["composite_low"]) == (1, None), "a tag said twice is one post"
    assert signals_hourly(scored, ["sensex"])["tag"].to_list() == ["sensex"]


def test_a_day_in_india_begins_before_the_day_in_utc(posts_of):
    late = posts_of({"created_at": datetime(2026, 11, 19, 18, 45, tzinfo=UTC)})
    row = signals_hourly(score_posts(late)).row(0, named=True)
    assert row["day"] == date(2026, 11, 20)
    assert row["hour"] == datetime(2026, 11, 19, 18, 30, tzinfo=UTC)


def test_posts_that_all_say_the_same_give_no_interval(posts_of):
    same = posts_of(*({"author_key": name, "text": "hm"} for name in "abc"))
    row = signals_hourly(score_posts(same)).row(0, named=True)
    assert (row["authors"], row["composite_low"], row["composite_high"]) == (3, None, None)


def test_a_loud_author_widens_the_interval_rather_than_narrowing_it(posts_of, small_list):
    many = [{"author_key": f"a{n}", "text": "buy" if n % 2 else "bull trap"} for n in range(20)]
    one = [{"author_key": "loud", "text": "buy"} for _ in range(20)]
    spread = signals_hourly(score_posts(posts_of(*many), small_list)).row(0, named=True)
    clustered = signals_hourly(score_posts(posts_of(*many, *one), small_list)).row(0, named=True)
    width = spread["composite_high"] - spread["composite_low"]
    assert clustered["composite_high"] - clustered["composite_low"] > width


def test_real_posts_score_within_range_and_differ(shared, posts_of):
    raw = pl.read_csv(shared / "data" / "tweets" / "nifty50_tweets_2017_2022.csv")
    rows = raw.filter(pl.col("Date").str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$")).drop_nulls("Tweet")
    rows = rows.with_columns(pl.col("Date").str.to_datetime("%Y-%m-%d %H:%M:%S%z", time_unit="us"))
    posts = posts_of(
        *(
            {"text": text, "created_at": at, "author_key": str(n % 40)}
            for n, (text, at) in enumerate(rows.select("Tweet", "Date").iter_rows())
        )
    )
    assert posts.height > 10_000
    scored = score_posts(posts)
    ScoredPost.validate(scored)
    assert scored["composite"].is_between(-1, 1).all()
    assert scored["composite"].n_unique() > 100
    assert (scored["sentiment"] != 0).mean() > 0.3
    SignalHourly.validate(signals_hourly(scored))


def test_listed_words_tell_bearish_from_bullish_tweets_better_than_the_commoner_one(shared):
    """Labelled by others (0 bearish, 1 bullish); the list was written without them."""
    rows = pl.read_csv(shared / "data" / "sentiment_labelled" / "twitter_financial_news_train.csv")
    rows = rows.filter(pl.col("label").is_in([0, 1]))
    words = load_words()
    score = pl.Series([read(text, words)[1] for text in rows["text"]])
    commoner = max((rows["label"] == 1).mean(), (rows["label"] == 0).mean())
    right = ((score > 0) & (rows["label"] == 1)) | ((score < 0) & (rows["label"] == 0))
    assert right.mean() > commoner, "an undecided tweet counts as wrong"


def test_many_hours_and_tags_each_get_their_own_interval(posts_of, small_list):
    rng = random.Random(4)
    posts = posts_of(
        *(
            {
                "author_key": f"a{rng.randrange(12)}",
                "text": rng.choice(["buy", "bull", "bull trap", "hm", "teji"]),
                "tags": rng.sample(["nifty50", "sensex", "intraday"], rng.randint(1, 3)),
                "created_at": datetime(2026, 11, 20, rng.randint(0, 17), rng.randint(0, 59), tzinfo=UTC),
            }
            for _ in range(600)
        )
    )
    scored = score_posts(posts, small_list)
    found = signals_hourly(scored)
    groups: dict[tuple[str, datetime], list[tuple[str, float]]] = {}
    for row in scored.iter_rows(named=True):
        hour = (row["created_at"] - timedelta(minutes=30)).replace(minute=30)
        for tag in row["tags"]:
            groups.setdefault((tag, hour), []).append((row["author_key"], row["composite"]))
    assert found.height == len(groups) > 40
    for row in found.iter_rows(named=True):
        members = groups[row["tag"], row["hour"]]
        mean = sum(x for _, x in members) / len(members)
        sums = {name: sum(x - mean for who, x in members if who == name) for name, _ in members}
        assert (row["posts"], row["authors"]) == (len(members), len(sums))
        assert row["composite"] == pytest.approx(mean)
        squares = sum(d * d for d in sums.values())
        if len(sums) < 2 or squares < 1e-18:
            assert row["composite_low"] is None
            continue
        error = math.sqrt(len(sums) / (len(sums) - 1) * squares) / len(members)
        reach = student.ppf(0.975, len(sums) - 1) * error
        assert row["composite_low"] == pytest.approx(max(-1, mean - reach))
        assert row["composite_high"] == pytest.approx(min(1, mean + reach))
