"""What is not answered, and the words that say so; and the words that need a question back.

Each phrase here ends the reading of a question: the reason and what can be asked instead.
"""

from __future__ import annotations

from chat_api.plan import Refusal, RefusalCode

_ASK = "Companies, prices, daily bars, sectors, signals, visits to filings, forecasts and the state of the data can be asked about."

REFUSALS: dict[tuple[RefusalCode, str, str], str] = {
    (
        "advice",
        "Investment advice is not given.",
        "Figures such as price, P/E, yield, return, volatility or the model's forecast can be asked.",
    ): """should i|should we|should|buy|sell|buying|selling|worth buying|invest|investing|investment|investments|recommend|recommendation|recommended|advice|advise|advisable|tip|tips|portfolio|portfolios|my|mine|our|retirement
good time|get rid of|stop loss|take profit|undervalued|overvalued|safe bet|safe|safest|hold|fold|rather own|own|bet|bet on|trade idea|trading idea|go long|go short|short it|long or short|hedge|strategy|allocate|allocation|which one would you|would you|do you think|your opinion|opinion|your pick|your favourite|favourite|favorite|picks|pick a stock|good buy|bargain|exit|entry point|double my money|get rich|make money|profit from|accumulate|dump|will|going to|gonna|moon|bullish or bearish|fair value|intrinsic value|savings|account|put my money|guarantee|guaranteed|sure shot|multibagger|call or put|target for tomorrow|what to do|worth it|prefer|build me""",
    (
        "not_in_data",
        "That is not in the data.",
        _ASK,
    ): """weather|temperature|rain|options|option chain|calls|puts|open interest|implied volatility|strike|futures|crypto|bitcoin|btc|ethereum|eth|dogecoin|solana|gold spot|gold price|gold|silver price|silver|oil price|crude|brent|wti|commodity|commodities|ounce|spot|exchange rate|exchange rates|forex|fx|currency pair|eurusd|inr|eur|gbp|jpy|yen|rupee|rupees|euro|euros
interest rate|interest rates|fed|federal reserve|ecb|rbi|inflation|cpi|gdp|unemployment|treasury|treasuries|bond|bonds|yield curve|mortgage|revenue|revenues|turnover in dollars|net income|profit|profits|profit margin|margin|margins|ebitda|cash flow|free cash flow|balance sheet|debt|income statement|sales|gross margin|operating margin|book value|price to book|p/b|price to sales|p/s|roe|return on equity|roa|earnings call|guidance
insider|insiders|insider trades|insider trading|short interest|short sellers|shorted|float|institutional|institutions|shareholders|shareholder|ownership|owners|hedge fund|hedge funds|mutual fund|mutual funds|etf|etfs|fund|funds|analyst|analysts|analyst ratings|rating|ratings|upgrade|upgrades|downgrade|downgrades|esg|carbon|emissions|credit rating|ipo|ipos|merger|mergers|acquisition|takeover|lawsuit|lawsuits|patents|products|competitors|supplier|suppliers|customers|salary|salaries|wage|compensation|paid ceo
warren buffett|buffett|warren|soros|cathie wood|neighbour|neighbours|neighbor|neighbors|dow jones|dow|s&p|s&p 500|sp500|spx|nasdaq composite|nasdaq 100|russell|ftse|dax|nikkei|hang seng|vix|level of the nasdaq|pre market|premarket|after hours|afterhours|aftermarket|before the bell|after the bell|overnight price|pre bell|extended hours|order book|level 2|market depth
cricket|football|sport|sports|game|match|movie|movies|song|recipe|election|elections|president of|president|politics|news anchor|joke|jokes|poem|story about|capital of|who won|won|restaurant|restaurants|hotel|flight|flights|horoscope|lottery|covid|war|stock of|population|real estate prices|house prices|housing|rent|tax|taxes|visitors names|who visited|whoever|ip addresses|ip address|ip|ips|author|authors|usernames|user names|emails|email|phone|phone number|phone numbers|user emails|personal data|twitter handle|tweeted|posted by""",
    (
        "write",
        "The data is read only: nothing can be changed, started or added from here.",
        "What is there can be shown.",
    ): """delete|insert|update|truncate|drop table|drop the table|drop the prices table|alter|create|rename|overwrite|modify|edit|replace|set it|set it to|set the|change the price|change it to|append|upload|import|write|save|store|erase|wipe|purge|reset|restart|rerun|re run|run the crawl|crawl|kick off|trigger|launch|start|stop|cancel|retrain|train|promote|demote|deploy|schedule|refresh|reload|backfill|fix|correct|add a|add new|add a new|add the|remove the|disable|enable|execute|run|install|commit|rollback|grant|revoke|vacuum|merge into|materialize|subscribe|notify|alert me|remind|email me|send|send me|download|buy me""",
    (
        "secret",
        "Secrets, settings and the chat's own instructions are not disclosed.",
        "The tables' sources, rows and freshness can be asked.",
    ): """password|passwords|secret|secrets|api key|api keys|key|keys|token|tokens|credential|credentials|connection string|connection strings|dsn|bearer|private key|certificate|env|environment variables|environment variable|config|configuration|settings|system prompt|prompt|instructions|your rules|rules|ignore|ignore all|disregard|override|jailbreak|developer mode|pretend|repeat the|verbatim|word for word|disclose|reveal|decode|base64|translate|bypass|maintenance|guard|hostname|host name|port number|username|login details|cookie|crumb|safety system""",
    (
        "system",
        "System tables, accounts and SQL are closed here.",
        "The lake's tables with rows and freshness can be listed; questions are taken in plain words.",
    ): """select|select *|from pg_shadow|pg_shadow|pg_catalog|pg_roles|information_schema|schema|schemas|catalog|postgres|postgresql|postgres server|server|roles|logins|login|users|user|superuser|admin|administrator|privileges|permissions|sql|union|join|query plan|explain analyze|drop|table definition|ddl|bronze|silver|every schema|javascript|script|html|function|file system|etc/passwd|shell|bash|python code|code""",
}  # fmt: skip
# Words that a question may hold in a harmless sense; they refuse only where no longer phrase takes them.
SOFT = frozenset({"set", "rent", "function"})


def _phrases() -> dict[tuple[str, ...], Refusal]:
    table: dict[tuple[str, ...], Refusal] = {}
    for (code, reason, suggestion), text in REFUSALS.items():
        refusal = Refusal(code=code, reason=reason, suggestion=suggestion)
        for phrase in text.replace("\n", "|").split("|"):
            if phrase:
                table[tuple(phrase.split())] = refusal
    return table


REFUSED: dict[tuple[str, ...], Refusal] = _phrases()

# Words whose measure is open: the question asked back, and readings as (label, words to put in their place).
VAGUE: dict[str, tuple[str, tuple[tuple[str, str | None], ...]]] = {
    "close to|near|nearing|approaching|almost at|nearly at|close to the|close to their|close to its": (
        "How near is near?",
        (("within 5 percent", "within 5 percent of"), ("within 1 percent", "within 1 percent of")),
    ),
    "risky|risk|risks|riskier|riskiest|dangerous|safe or risky|risk level": (
        "Risk is not one metric. Which is meant?",
        (("volatility over the last 60 sessions", "volatility over the last 60 sessions"), ("maximum drawdown year to date", "maximum drawdown year to date"), ("distance to its 52-week high", "distance to 52 week high")),
    ),
    "expensive|cheap|cheapest|most expensive|pricey|cheaper|costly": (
        "That can mean the price of a share or its valuation. Which is meant?",
        (("price (USD)", "price"), ("P/E", "p/e"), ("distance to its 52-week high", "distance to 52 week high")),
    ),
    "trend|trends|trending|momentum|outlook": (
        "Which figure and which period should show the trend?",
        (("close over the last 60 sessions", "close over the last 60 sessions as a chart"), ("50-day average", "50 day average"), ("visits to filings over a period that you name", None)),
    ),
    "hot|hottest|popular|most popular|popularity|hyped|interesting|noteworthy|favoured|sought after|in demand|talked about": (
        "That is not one metric. Which is meant?",
        (("highest change % today", "10 highest change % today"), ("highest volume today", "10 highest volume today"), ("most visits to filings yesterday", "10 most visits yesterday")),
    ),
    "mood|market mood|vibe|feeling|atmosphere|sentiment of the market": (
        "Mood can come from posts by tag or from price moves. Which is meant?",
        (("sentiment of #nifty50 posts today", "#nifty50 sentiment today"), ("composite signal of NIFTY 50 today", "#nifty50 composite signal today"), ("advancers and decliners by sector", "advancers and decliners by sector")),
    ),
    "how good|good|great|strong|weak|well|poorly|healthy|health of|solid|stable|attractive|quality|successful|important|valuable|most valuable|wealthy|rich|powerful|leading|leader|leaders|laggard|standout|outperform|outperformed|underperform|ahead|behind|interesting today|badly": (
        "That needs a measure and a period. Which is meant?",
        (("change % today", "change % today"), ("return this month", "return this month"), ("return year to date", "return year to date"), ("market cap", "market cap")),
    ),
    "big banks|banks|the banks|faang|magnificent seven|mag 7|blue chips|blue chip|big tech|chip makers|chipmakers|oil majors|car makers|carmakers|automakers|airline stocks|pharma|penny stocks|small caps|large caps|mid caps|mega caps|growth stocks|value stocks": (
        "That set of companies is not defined here. Name the companies, or a sector.",
        (("name companies or tickers", None), ("the largest of a sector by market cap", None)),
    ),
}  # fmt: skip


def _vague() -> dict[tuple[str, ...], str]:
    return {tuple(phrase.split()): topic for topic in VAGUE for phrase in topic.split("|")}


VAGUE_WORDS: dict[tuple[str, ...], str] = _vague()
