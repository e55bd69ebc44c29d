"""The words from which plainly fictional companies are named."""

from __future__ import annotations

PLACES = (
    "Harbor", "Lantern", "Meadow", "Cinder", "Willow", "Granite", "Juniper", "Saffron", "Copperfield", "Driftwood",
    "Ember", "Falcon", "Glacier", "Hollow", "Indigo", "Jasper", "Kestrel", "Lagoon", "Marigold", "Nimbus", "Orchard",
    "Pebble", "Quarry", "Raven", "Sable", "Thistle", "Umber", "Velvet", "Wren", "Yarrow", "Zephyr", "Alder", "Birch",
    "Cobalt", "Dune", "Echo", "Fern", "Garnet", "Heron", "Iris", "Jade", "Kelp", "Linden", "Maple", "Nettle", "Opal",
    "Pine", "Quartz", "Rowan", "Spruce", "Tern", "Upland", "Vale", "Walnut", "Acorn", "Bramble", "Cedar", "Dapple",
    "Elm", "Flint", "Gorse", "Hazel", "Ivory", "Jetty", "Kite", "Larch", "Moss", "Nutmeg", "Osprey", "Plover",
    "Quill", "Reed", "Sorrel", "Teal", "Umbra", "Vesper", "Weir", "Yew", "Aspen", "Beacon", "Clover", "Delta Bay",
    "Eider", "Fjord", "Grove", "Heath", "Inlet", "Kettle", "Lark", "Mallow", "Northwind", "Oxbow", "Petrel", "Ridge",
    "Sedge", "Tundra", "Verge", "Whin", "Brook", "Crag", "Dell", "Estuary", "Firth", "Glen",
)  # fmt: skip

# Sector → (word in the name, industry as Yahoo calls it).
TRADES: dict[str, tuple[tuple[str, str], ...]] = {
    "Basic Materials": (
        ("Chemicals", "Specialty Chemicals"), ("Steelworks", "Steel"), ("Gold", "Gold"), ("Copper", "Copper"),
        ("Fertilizers", "Agricultural Inputs"), ("Aggregates", "Building Materials"), ("Timber", "Lumber & Wood Production"),
        ("Aluminium", "Aluminum"), ("Paper Mills", "Paper & Paper Products"), ("Minerals", "Other Industrial Metals & Mining"),
    ),
    "Communication Services": (
        ("Broadcasting", "Broadcasting"), ("Telecom", "Telecom Services"), ("Studios", "Entertainment"),
        ("Gaming", "Electronic Gaming & Multimedia"), ("Advertising", "Advertising Agencies"), ("Press", "Publishing"),
        ("Social", "Internet Content & Information"), ("Cable", "Telecom Services"), ("Pictures", "Entertainment"),
        ("Search", "Internet Content & Information"),
    ),
    "Consumer Cyclical": (
        ("Motors", "Auto Manufacturers"), ("Apparel", "Apparel Retail"), ("Hotels", "Lodging"), ("Diners", "Restaurants"),
        ("Homes", "Residential Construction"), ("Outfitters", "Specialty Retail"), ("Footwear", "Footwear & Accessories"),
        ("Auto Parts", "Auto Parts"), ("Resorts", "Resorts & Casinos"), ("Furnishings", "Furnishings, Fixtures & Appliances"),
    ),
    "Consumer Defensive": (
        ("Foods", "Packaged Foods"), ("Beverages", "Beverages - Non-Alcoholic"), ("Grocers", "Grocery Stores"),
        ("Household", "Household & Personal Products"), ("Farms", "Farm Products"), ("Brewing", "Beverages - Brewers"),
        ("Confections", "Confectioners"), ("Tobacco", "Tobacco"), ("Learning", "Education & Training Services"),
        ("Food Service", "Food Distribution"),
    ),
    "Energy": (
        ("Petroleum", "Oil & Gas E&P"), ("Drilling", "Oil & Gas Drilling"), ("Pipelines", "Oil & Gas Midstream"),
        ("Refining", "Oil & Gas Refining & Marketing"), ("Oilfield Services", "Oil & Gas Equipment & Services"),
        ("Uranium", "Uranium"), ("Coal", "Thermal Coal"), ("Exploration", "Oil & Gas E&P"),
        ("Gas Gathering", "Oil & Gas Midstream"), ("Energy", "Oil & Gas Integrated"),
    ),
    "Financial Services": (
        ("Bancorp", "Banks - Regional"), ("Insurance", "Insurance - Property & Casualty"), ("Capital", "Asset Management"),
        ("Life Assurance", "Insurance - Life"), ("Credit", "Credit Services"), ("Savings", "Banks - Regional"),
        ("Markets", "Capital Markets"), ("Mortgage", "Mortgage Finance"), ("Exchange", "Financial Data & Stock Exchanges"),
        ("Brokers", "Insurance Brokers"),
    ),
    "Healthcare": (
        ("Therapeutics", "Biotechnology"), ("Pharma", "Drug Manufacturers - General"), ("Devices", "Medical Devices"),
        ("Diagnostics", "Diagnostics & Research"), ("Care Centers", "Medical Care Facilities"),
        ("Health Plans", "Healthcare Plans"), ("Biologics", "Biotechnology"), ("Instruments", "Medical Instruments & Supplies"),
        ("Generics", "Drug Manufacturers - Specialty & Generic"), ("Health Records", "Health Information Services"),
    ),
    "Industrials": (
        ("Logistics", "Integrated Freight & Logistics"), ("Aerospace", "Aerospace & Defense"), ("Railways", "Railroads"),
        ("Machinery", "Specialty Industrial Machinery"), ("Airways", "Airlines"), ("Trucking", "Trucking"),
        ("Engineering", "Engineering & Construction"), ("Waste", "Waste Management"), ("Tools", "Tools & Accessories"),
        ("Staffing", "Staffing & Employment Services"),
    ),
    "Real Estate": (
        ("Warehouses", "REIT - Industrial"), ("Apartments", "REIT - Residential"), ("Offices", "REIT - Office"),
        ("Malls", "REIT - Retail"), ("Towers", "REIT - Specialty"), ("Senior Living", "REIT - Healthcare Facilities"),
        ("Lodging Trust", "REIT - Hotel & Motel"), ("Realty", "Real Estate Services"), ("Land", "Real Estate - Development"),
        ("Storage", "REIT - Industrial"),
    ),
    "Technology": (
        ("Software", "Software - Application"), ("Semiconductors", "Semiconductors"), ("Networks", "Communication Equipment"),
        ("Systems", "Software - Infrastructure"), ("Devices Lab", "Consumer Electronics"), ("Data", "Information Technology Services"),
        ("Photonics", "Electronic Components"), ("Solar", "Solar"), ("Hardware", "Computer Hardware"),
        ("Instrumentation", "Scientific & Technical Instruments"),
    ),
    "Utilities": (
        ("Electric", "Utilities - Regulated Electric"), ("Gas Light", "Utilities - Regulated Gas"),
        ("Water", "Utilities - Regulated Water"), ("Renewables", "Utilities - Renewable"),
        ("Power", "Utilities - Independent Power Producers"), ("Utilities", "Utilities - Diversified"),
        ("Hydro", "Utilities - Renewable"), ("Wind", "Utilities - Renewable"), ("Grid", "Utilities - Regulated Electric"),
        ("Waterworks", "Utilities - Regulated Water"),
    ),
}  # fmt: skip

FORMS = ("", " Group", " Holdings", " Partners", " International")

HOME_CITIES = (
    ("New York", "NY"), ("Chicago", "IL"), ("Houston", "TX"), ("Dallas", "TX"), ("Boston", "MA"), ("Atlanta", "GA"),
    ("Denver", "CO"), ("Seattle", "WA"), ("San Francisco", "CA"), ("San Diego", "CA"), ("Austin", "TX"),
    ("Minneapolis", "MN"), ("Philadelphia", "PA"), ("Phoenix", "AZ"), ("Nashville", "TN"), ("Columbus", "OH"),
    ("Charlotte", "NC"), ("Pittsburgh", "PA"), ("Portland", "OR"), ("Salt Lake City", "UT"), ("Miami", "FL"),
    ("St. Louis", "MO"), ("Richmond", "VA"), ("Milwaukee", "WI"),
)  # fmt: skip

FOREIGN_CITIES = (
    ("London", "United Kingdom"), ("Toronto", "Canada"), ("Dublin", "Ireland"), ("Zurich", "Switzerland"),
    ("Tokyo", "Japan"), ("Hamilton", "Bermuda"), ("Amsterdam", "Netherlands"), ("Tel Aviv", "Israel"),
    ("Singapore", "Singapore"), ("Mumbai", "India"), ("Sao Paulo", "Brazil"), ("Paris", "France"),
    ("Munich", "Germany"), ("Hong Kong", "Hong Kong"), ("Calgary", "Canada"), ("Sydney", "Australia"),
)  # fmt: skip
