"""The words that discovery looks for: titles, verbs of saying, pronouns, pet names, words that are never names.

Invariant: only data. A word of two meanings stands where it does less harm: a name that is missed shows in the list
of quotations without a speaker, a word that is taken for a name costs a voice.
"""

from __future__ import annotations

from typing import Final


def _set(*rows: str) -> frozenset[str]:
    return frozenset(word for row in rows for word in row.split())


FEMALE_TITLES: Final = _set(
    "Mrs Miss Ms Lady Dame Madam Madame Mademoiselle Mme Mlle Aunt Auntie Mother Sister Queen Princess",
    "Duchess Countess Baroness Mistress Nurse Frau Fräulein Doña Señora Señorita Signora Signorina Donna Dona",
    "Tante Grandma Granny Госпожа Мадам Тётя Бабушка",
)
MALE_TITLES: Final = _set(
    "Mr Sir Lord Master Uncle Father Brother King Prince Duke Count Baron Monsieur Herr Don Señor Signor",
    "Signore Senhor Onkel Grandpa Esquire Mister Messrs Pastor Monsignor Abbé Padre Friar Господин Мосье Дядя",
    "Дедушка Князь Граф",
)
RANKS: Final = _set(
    "Dr Doctor Captain Capt Colonel Col Major General Gen Admiral Commander Lieutenant Lieut Lt Sergeant Sgt",
    "Corporal Private Professor Prof Reverend Rev Parson Vicar Bishop Cardinal Inspector Detective Constable",
    "Judge Justice Squire Deacon Dean Chief President Governor Senator Marshal Sheriff Coach Officer Agent",
    "Marquis Earl Comte Saint St Farmer Doktor Kapitän Hauptmann Capitaine Capitán Capitano Docteur Доктор",
    "Капитан",
)
"""Titles of either sex; in older books a man's, which counts as weak evidence."""
MALE_RANKS: Final = _set(
    "Captain Capt Colonel Col Major General Gen Admiral Commander Lieutenant Lieut Lt Sergeant Sgt Corporal",
    "Reverend Rev Parson Vicar Bishop Cardinal Inspector Constable Judge Squire Deacon Dean Marquis Earl",
    "Sheriff Farmer",
)
GIVEN_TITLES: Final = _set(
    "Sir Lady Lord Dame Aunt Auntie Uncle Father Mother Sister Brother King Queen Prince Princess Don Doña",
    "Donna Dona Cousin Saint St Tante Onkel Дядя Тётя Grandpa Grandma Granny Friar",
)
"""After these comes a first name (Sir William), after all others a surname (Mr. Hale)."""
KIN: Final = _set(
    "Aunt Auntie Uncle Cousin Grandma Granny Grandpa Tante Onkel Дядя Тётя Бабушка Дедушка",
)
"""What some call a person whom others call by another title."""
PEERS: Final = _set("Lady Sir Lord Dame King Queen Prince Princess Don Doña Donna")
"""Whoever has one of these is not called by the first name alone."""
PARTICLES: Final = _set("de du von van der la le del di da des ten of the d’ d'")
SHORT_TITLES: Final = _set("Mr Mrs Ms Dr Capt Col Gen Lt Lieut Sgt Prof Rev Mme Mlle St")
"""Written with a point."""
MARRIED: Final = _set(
    "Mrs Frau Madame Mme Señora Signora",
)
SOFT_TITLES: Final = _set(
    "Old Young Little Big",
)
"""Part of a name only where the book says so inside a sentence (Old Wen, but not Poor Mara)."""
TITLES: Final = FEMALE_TITLES | MALE_TITLES | RANKS | KIN

AGES: Final = {
    "old": "elderly",
    "elderly": "elderly",
    "aged": "elderly",
    "young": "young",
    "little": "child",
    "small": "child",
}
"""What an adjective right before a name says of the age."""
AGE_NOUNS: Final = {
    "elderly": (
        "old man",
        "old woman",
        "old lady",
        "old gentleman",
        "grandfather",
        "grandmother",
        "grandpa",
        "grandma",
    ),
    "young": ("young man", "young woman", "young lady", "young gentleman", "young fellow"),
    "child": ("boy", "girl", "child", "lad", "lass", "kid", "schoolboy", "schoolgirl"),
}
FEMALE_NOUNS: Final = _set(
    "woman women lady girl wife mother sister daughter aunt grandmother niece maid nurse widow queen princess",
    "duchess governess lass matron landlady hostess housekeeper mistress mamma mama",
)
MALE_NOUNS: Final = _set(
    "man men gentleman boy husband father brother son uncle grandfather nephew lad fellow king prince duke",
    "butler monk priest landlord master papa clergyman footman coachman policeman seaman sailor soldier",
)

NOT_NAMES: Final = _set(
    "I He She They We You It Who What Which That This These Those There Here His Her Their My Our Your Its",
    "The A An And But Or So Then Now When While As If For Nor Yet Not No Yes Oh Ah Well Why How Where All",
    "Both Each Every Everyone Everybody Everything Someone Somebody Something Nobody None Nothing Anyone",
    "Anybody One Two Three Four Five Several Another Other Others Some Many Most Few Such Only Even Still",
    "Just Also Too Again At In On Of By To From With Without After Before Upon Until Till Because Though",
    "Although Since Once Perhaps Indeed Never Always God Lord Heaven Heavens Monday Tuesday Wednesday",
    "Thursday Friday Saturday Sunday January February March April May June July August September October",
    "November December Christmas Easter English French German Latin Greek Chapter Book Part Act Scene Volume",
    "Er Sie Ich Wir Ihr Es Der Die Das Ein Eine Und Aber Il Elle On Nous Vous Ils Elles Je Tu Le La Les Un",
    "Une Et Mais Él Ella Yo Ellos Ellas El Los Las Y Pero Lui Lei Io Noi Gli Ele Ela Eu Os As O E Mas Он Она",
    "Я Мы Вы Они И А Но Note Time Place Dear Poor Good Honest Stage Enter Exit Exeunt Curtain Illustration",
    "End Narrator Contents Preface Having Being Seeing Looking Turning Taking Mr Mrs Sir Madam Miss Ma'am",
    "Ma’am Dear Sirs Gentlemen Ladies",
)
PLACES: Final = _set(
    "Street Road Lane Square Park House Hall Castle Court Inn Abbey Church Bridge Hill Town City County",
    "Island Bay River Rock Point Station Hotel Place Row Gardens Terrace Avenue Cottage Farm Manor Lodge",
    "Light Street’s Sea Lake Mountain Wood Forest Valley Field Fields Mill School College Museum Bank Company",
    "Office Board Society Times",
)
"""A name that ends in one of these is not a person's."""

_EN: Final = (
    "said says asked asks replied replies answered answers cried cries returned added exclaimed whispered "
    "murmured muttered shouted called remarked observed continued began went\\s+on put\\s+in broke\\s+in "
    "burst\\s+out cried\\s+out called\\s+out repeated demanded inquired enquired suggested declared announced "
    "explained growled grumbled groaned sighed sobbed laughed gasped protested agreed admitted insisted "
    "interrupted interposed responded retorted rejoined ejaculated screamed yelled shrieked roared bellowed "
    "snapped snarled hissed stammered faltered echoed persisted pursued resumed concluded commented queried "
    "questioned urged pleaded begged warned told spoke quoth thought drawled chuckled piped croaked bawled "
    "breathed mused ventured assented volunteered confessed told proposed ordered commanded conceded objected "
    "panted squeaked squealed wailed moaned grunted purred sneered scoffed jeered giggled cautioned reminded "
    "corrected advised promised finished affirmed assured argued"
)
VERBS: Final = {
    "en": _EN,
    "de": "sagte sprach rief fragte antwortete erwiderte versetzte entgegnete meinte flüsterte murmelte schrie "
    "bemerkte erklärte wiederholte brummte seufzte lachte stöhnte stammelte sagt ruft fragt antwortet",
    "fr": "dit demanda répondit s['’]écria répliqua reprit murmura cria ajouta fit continua déclara observa balbutia "
    "soupira interrompit remarqua insista acheva souffla",
    "es": "dijo preguntó respondió contestó exclamó murmuró gritó replicó añadió repuso susurró observó continuó "
    "interrumpió prosiguió insistió",
    "it": "disse chiese domandò rispose esclamò mormorò gridò replicò aggiunse sussurrò osservò continuò "
    "riprese soggiunse",
    "pt": "disse perguntou respondeu exclamou murmurou gritou replicou acrescentou sussurrou observou continuou tornou",
    "ru": "сказал сказала спросил спросила ответил ответила отвечал отвечала воскликнул воскликнула крикнул крикнула "
    "прошептал прошептала закричал закричала проговорил проговорила произнёс произнесла заметил заметила возразил "
    "возразила прибавил прибавила продолжал продолжала говорил говорила",
}
"""Patterns of verbs of saying, the commonest."""

SHE: Final = {
    "en": "she|her|hers|herself",
    "de": "sie|ihr|ihre|ihrem|ihren|ihrer",
    "fr": "elle",
    "es": "ella",
    "it": "lei|ella",
    "pt": "ela|dela",
    "ru": "она|её|ее|ней",
    "zh": "[她伊](?!们)",
}
HE: Final = {
    "en": "he|his|himself",
    "de": "er|sein|seine|seinem|seinen|seiner",
    "fr": "il",
    "es": "él",
    "it": "lui|egli",
    "pt": "ele|dele",
    "ru": "он|его|нём|нем",
    "zh": "他(?!们)",
}
FIRST_PERSON: Final = {"en": "I", "de": "ich", "fr": "je", "es": "yo", "it": "io", "pt": "eu", "ru": "я"}

_WOMEN: Final = (
    "Elizabeth Lizzy Lizzie Eliza Liz Bess Bessie Betty Betsy Beth Libby",
    "Catherine Katherine Katharine Kitty Kate Katie Cathy Kathy Cath Kit",
    "Margaret Maggie Meg Peggy Madge Margery Daisy",
    "Mary Molly Polly Mamie",
    "Martha Patty Matty",
    "Sarah Sally Sadie",
    "Anne Ann Anna Annie Nancy Nan",
    "Jane Janey Jenny Jennie",
    "Caroline Carrie Carry",
    "Josephine Jo Josie",
    "Amelia Emmy",
    "Frances Fanny Fran",
    "Eleanor Nell Nellie Nelly Ellen Helen",
    "Dorothy Dolly Dot Dora",
    "Susan Sue Susie Suky",
    "Rebecca Becky",
    "Isabella Bella Belle Isabel",
    "Prudence Prue Tuppence",
    "Louisa Lou",
    "Lucy Lucie Lucilla",
    "Matilda Tilly Maud",
)
_MEN: Final = (
    "William Will Willie Willy Bill Billy",
    "Thomas Tom Tommy",
    "John Johnny Jack Johnnie",
    "James Jim Jimmy Jem Jamie",
    "Robert Bob Bobby Rob Robin Robbie",
    "Richard Dick Dickie Rick",
    "Henry Harry Hal",
    "Charles Charley Charlie",
    "Edward Ned Ted Teddy Eddie Eddy",
    "Edmund Ned",
    "George Georgie Georgy",
    "Joseph Joe Joey",
    "Samuel Sam Sammy",
    "Francis Frank",
    "Frederick Fred Freddy",
    "Daniel Dan Danny",
    "David Davy Dave",
    "Michael Mike Mick",
    "Nicholas Nick",
    "Peter Pete",
    "Philip Phil Pip",
    "Stephen Steve",
    "Theodore Laurie Teddy Theo",
    "Timothy Tim",
    "Walter Wat Walt",
    "Benjamin Ben Benny",
    "Anthony Tony",
    "Algernon Algy",
    "Matthew Mat Matt",
    "Lawrence Laurence Larry",
    "Albert Bert Bertie",
    "Tobias Toby",
    "Alexander Alec Alick Sandy Alex",
)
PET_NAMES: Final = tuple(frozenset(row.split()) for row in (*_WOMEN, *_MEN))
"""First names that one person may go by."""

_EITHER: Final = _set(
    "Pip Jo Jack Laurie Lou Kit Sandy Alex Robin Fran Teddy Dot Bill Will Mat Rob Sue Nell Hal Rose",
)
FEMALE_NAMES: Final = (
    _set(
        "Alice Amy Agnes Caroline Charlotte Clara Cecily Cecilia Diana Edith Emily Emma Estella Esther Eva Eve",
        "Flora Florence Georgiana Gertrude Grace Gwendolen Harriet Henrietta Ida Irene Ivy Jemima Joan Judith",
        "Julia Juliet Laura Lavinia Lilian Lily Lydia Mabel Maria Marian Marianne Marie Marilla Mildred Minnie",
        "Miriam Nora Olive Olivia Phoebe Rachel Rosa Rosalind Ruth Sophia Sophie Stella Sylvia Theresa Ursula",
        "Victoria Violet Virginia Winifred",
    )
    | frozenset(name for row in _WOMEN for name in row.split())
) - _EITHER
MALE_NAMES: Final = (
    (
        _set(
            "Adam Alan Alfred Andrew Archibald Arthur Augustus Cecil Christopher Clement Cyril Donald Dennis Eric",
            "Ernest Eugene Felix Gabriel Geoffrey Gerald Gilbert Godfrey Harold Herbert Herman Horace Hubert Hugh",
            "Isaac Jacob Jasper Jerome Jonathan Julian Kenneth Leonard Lewis Louis Luke Mark Martin Maurice Max",
            "Oliver Oscar Owen Patrick Paul Percy Ralph Raymond Reginald Roger Roland Rudolf Rupert Sebastian Silas",
            "Simon Stanley Victor Vincent Wilfred",
        )
        | frozenset(name for row in _MEN for name in row.split())
    )
    - _EITHER
    - FEMALE_NAMES
)
"""First names that English novels give to one sex; only where no title and no pronoun says more."""

HAN_VERBS: Final = (
    "说道|說道|问道|問道|答道|喊道|叫道|笑道|骂道|罵道|叹道|嘆道|嚷道|回道|接道|"
    "应道|應道|念道|讲道|劝道|吼道|哭道|冷笑道|回答说|回答|解释说|大叫|大声说|"
    "低声说|轻轻说|笑着说|喊着说|接着说|说|說|道|问|問|答|喊|叫|嚷|骂|罵|吩咐|"
    "嘟囔|嘀咕|曰"
)
HAN_ADVERBS: Final = (
    "慌忙|连忙|赶忙|忽然|突然|终于|又|也|便|就|才|却|都|只|还|再|更|很|正|自|"
    "已|大声|低声|轻声|小声|轻轻地?|慢慢地?|高兴地?|笑着|哭着|喊着|接着|冷冷地?|"
    "连声|微笑着?|愤愤地?|急忙|立刻|一面|一边|仍旧|仍然|这样|那么|于是|然而|"
    "自言自语地?|点头|摇头|着|了|地|的|会|要|想|曾|对|向|得|高声|齐声|暗暗"
)
HAN_NOT_NAMES: Final = _set(
    "他 她 它 我 你 您 他们 她们 我们 你们 咱们 自己 大家 这 那 这样 那么",
    "什么 怎么 有人 别人 旁人 众人 人们 谁 一个 两个 不 没 没有 可以 所以",
    "虽然 但是 不过 据 听 听人 听到 只是 或者 然后 于是 而 可是 因为 这么",
    "那个 这个 有的 有些 不知 心里 心想 嘴里 口里 知 难 味 街 知道 一声 要",
    "就 也 便 又 还 都 能 会 想 来 去 胡 乱 小 敢 再 好 难道 如 常 应",
    "常常 总",
)
HAN_FEMALE: Final = (
    "母亲",
    "祖母",
    "老太",
    "妻子",
    "女儿",
    "女人",
    "嫂",
    "婆",
    "妈",
    "姐",
    "妹",
    "姑",
    "姑娘",
    "奶奶",
    "太太",
    "小姐",
    "婶",
    "娘",
    "女士",
    "夫人",
    "大妈",
    "阿姨",
)
HAN_MALE: Final = (
    "父亲",
    "祖父",
    "儿子",
    "老头子",
    "男人",
    "爷",
    "叔",
    "哥",
    "弟",
    "伯",
    "公",
    "先生",
    "老爷",
    "爷爷",
    "大哥",
    "师傅",
    "君",
    "秀才",
    "举人",
    "少爷",
)

NAMES: Final = {
    "zh": {"man": "次要男声", "woman": "次要女声", "voice": "次要角色"},
    "en": {"man": "Minor man", "woman": "Minor woman", "voice": "Minor voice"},
}
"""What the shared entries for minor speakers are called."""

COUNTING: Final = _set(
    "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Firstly Secondly Thirdly Fourthly Fifthly Next "
    "Finally Lastly Last Furthermore Moreover Item Note Question Answer Result Conclusion Postscript"
)
"""What stands before a colon at the head of a paragraph and is nobody."""
